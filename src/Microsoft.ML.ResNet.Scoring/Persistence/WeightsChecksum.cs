using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>
/// Compares the weights of a model with the SHA-256 that its description names, on a thread of its own: while whoever reads goes on reading
/// and makes use of what has come, which is harmless as long as nothing of it is handed on before <see cref="Verify()"/>.
/// </summary>
/// <param name="expected">The SHA-256 as hexadecimal digits; <see langword="null"/> compares with nothing.</param>
internal sealed class WeightsChecksum(string? expected) : IDisposable
{
    private readonly BlockingCollection<ReadOnlyMemory<byte>> _parts = [];
    private Task? _work; // none for weights that are small enough to come at once
    private string _found = "";

    /// <summary>Adds the next bytes, to which nobody writes any more.</summary>
    public void Append(ReadOnlyMemory<byte> part)
    {
        if (expected is null)
            return;
        if (_parts.Count > 0)
            _work ??= Task.Factory.StartNew(Compute, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        _parts.Add(part);
    }

    /// <summary>Waits for the checksum of all bytes that were added, and compares it.</summary>
    /// <exception cref="ModelFormatException">It is another one.</exception>
    public void Verify()
    {
        if (expected is null)
            return;
        if (_found.Length == 0)
            Finish();
        Compare();
    }

    /// <summary>Compares the checksum of all that a stream has.</summary>
    /// <param name="weights">Seekable; its position is the same afterwards.</param>
    /// <exception cref="ModelFormatException">It is another one.</exception>
    public void Verify(Stream weights)
    {
        if (expected is null)
            return;
        var start = weights.Position;
        _found = Convert.ToHexStringLower(SHA256.HashData(weights));
        weights.Position = start;
        Compare();
    }

    /// <summary>Waits until nobody reads the bytes any more.</summary>
    public void Dispose()
    {
        _parts.CompleteAdding();
        ((IAsyncResult?)_work)?.AsyncWaitHandle.WaitOne(); // without throwing what Finish has thrown
        _parts.Dispose();
    }

    private void Finish()
    {
        _parts.CompleteAdding();
        if (_work is null)
            Compute();
        else
            _work.GetAwaiter().GetResult();
    }

    private void Compare()
    {
        if (!_found.Equals(expected, StringComparison.OrdinalIgnoreCase))
            throw new ModelFormatException($"{ModelArchive.WeightsEntry} is damaged: its SHA-256 is {_found}, "
                + $"{ModelArchive.DescriptionEntry} says {UntrustedText.Quote(expected!)}.");
    }

    private void Compute()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in _parts.GetConsumingEnumerable())
            hash.AppendData(part.Span);
        _found = Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
