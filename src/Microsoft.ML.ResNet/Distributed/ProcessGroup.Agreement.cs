using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.ResNet;

/// <content>What processes agree on: whether all go on, and that they do the same.</content>
public abstract partial class ProcessGroup
{
    private const string AgreedKey = "Microsoft.ML.ResNet.Agreed";

    private enum Outcome : byte { Done, Cancelled, Failed }

    /// <summary>Hands a text, or bytes, of any length to all.</summary>
    /// <returns>For each rank, what it had.</returns>
    internal byte[][] GatherAll(ReadOnlySpan<byte> own)
    {
        var lengths = new int[Size];
        var (fours, length) = (new int[Size], own.Length);
        Array.Fill(fours, sizeof(int));
        AllGather(MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in length)), MemoryMarshal.AsBytes(lengths.AsSpan()), fours);
        var all = new byte[checked(lengths.Sum())];
        AllGather(own, all, lengths);
        var parts = new byte[Size][];
        for (int rank = 0, first = 0; rank < Size; first += lengths[rank], rank++)
            parts[rank] = all[first..(first + lengths[rank])];
        return parts;
    }

    /// <summary>What rank 0 has, in every process.</summary>
    /// <param name="own">What it is in this one; of no matter but at rank 0.</param>
    internal byte[] FromFirst(ReadOnlySpan<byte> own) => GatherAll(Rank == 0 ? own : [])[0];

    /// <summary>Whether something holds in any process.</summary>
    internal bool Any(bool own)
    {
        Span<byte> all = stackalloc byte[Size];
        Span<int> lengths = stackalloc int[Size];
        lengths.Fill(1);
        var mine = (byte)(own ? 1 : 0);
        AllGather(new ReadOnlySpan<byte>(in mine), all, lengths);
        return all.Contains((byte)1);
    }

    /// <summary>Does work in which nothing is exchanged. Where it fails in one process, it fails in all, and all know why.</summary>
    /// <param name="work">The work of this process.</param>
    /// <exception cref="OperationCanceledException">The work was cancelled, in one of the processes.</exception>
    /// <exception cref="InvalidOperationException">The work has failed in another process; the message names it.</exception>
    internal T Agree<T>(Func<T> work)
    {
        var (result, failure) = (default(T), (Exception?)null);
        try
        {
            result = work();
        }
        catch (Exception e)
        {
            failure = e;
        }
        var outcome = failure switch { null => Outcome.Done, OperationCanceledException => Outcome.Cancelled, _ => Outcome.Failed };
        var outcomes = GatherAll([(byte)outcome, .. Encoding.UTF8.GetBytes(failure?.Message ?? "")]);
        if (failure is not null)
        {
            Agreed(failure);
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
        if (outcomes.Any(other => (Outcome)other[0] != Outcome.Done))
            (result as IDisposable)?.Dispose(); // nobody receives it
        for (var rank = 0; rank < Size; rank++)
            if ((Outcome)outcomes[rank][0] == Outcome.Cancelled)
                throw Agreed(new OperationCanceledException());
            else if ((Outcome)outcomes[rank][0] == Outcome.Failed)
                throw Agreed(new InvalidOperationException(
                    $"Rank {rank} of {Size} has ended the training: {Encoding.UTF8.GetString(outcomes[rank].AsSpan(1))}"));
        return result!;
    }

    /// <summary>Checks that all processes are about to do the same.</summary>
    /// <param name="facts">What must be equal, under names that a message can use.</param>
    /// <exception cref="InvalidOperationException">Something differs; the message names the rank and the difference.</exception>
    internal void CheckEqual(IEnumerable<(string Name, string Value)> facts)
    {
        var own = string.Join('\n', facts.Select(fact => $"{fact.Name}\t{fact.Value.ReplaceLineEndings(" ")}"));
        var all = GatherAll(Encoding.UTF8.GetBytes(own)).Select(Encoding.UTF8.GetString).ToArray();
        var first = Facts(all[0]);
        for (var rank = 1; rank < Size; rank++)
        {
            if (all[rank] == all[0])
                continue;
            var other = Facts(all[rank]);
            var differences = first.Keys.Union(other.Keys).Where(name => first.GetValueOrDefault(name) != other.GetValueOrDefault(name))
                .Select(name => $"{name} is {other.GetValueOrDefault(name, "not known")} there, and "
                    + $"{first.GetValueOrDefault(name, "not known")} at rank 0");
            throw Agreed(new InvalidOperationException($"Rank {rank} of {Size} differs from rank 0: {string.Join("; ", differences)}. "
                + "Start all processes with the same version, options and data, on processors of one kind."));
        }

        static Dictionary<string, string> Facts(string text)
            => text.Split('\n').Select(line => line.Split('\t', 2)).ToDictionary(pair => pair[0], pair => pair[^1]);
    }

    /// <summary>Marks what is thrown in every process alike, so that nobody needs to end the others.</summary>
    internal static T Agreed<T>(T exception)
        where T : Exception
    {
        exception.Data[AgreedKey] = true;
        return exception;
    }

    /// <summary>Whether an exception is thrown in every process.</summary>
    internal static bool IsAgreed(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
            if (cause.Data.Contains(AgreedKey))
                return true;
        return false;
    }
}
