using Microsoft.AspNetCore.Http;

namespace Samples.Serving;

/// <summary>Memory that requests share. Thread-safe.</summary>
/// <param name="most">Bytes that all of them together may hold.</param>
internal sealed class MemoryBudget(long most)
{
    private long _taken;

    /// <summary>Takes a part, before the memory itself is taken.</summary>
    /// <exception cref="RequestProblem">There is not so much left; nothing is taken.</exception>
    public void Take(int bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) <= most)
            return;
        Return(bytes);
        throw new RequestProblem(StatusCodes.Status503ServiceUnavailable,
            $"Expected pictures of at most {most} bytes in all at a time, found more. Try again.");
    }

    /// <summary>Gives a part back.</summary>
    public void Return(int bytes) => Interlocked.Add(ref _taken, -bytes);
}
