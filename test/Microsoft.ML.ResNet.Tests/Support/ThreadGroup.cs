using System.Runtime.ExceptionServices;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>Ranks that are threads of this process and exchange through its memory: what MPI does, without MPI.</summary>
internal sealed class ThreadGroup : ProcessGroup
{
    private readonly Shared _shared;

    private ThreadGroup(Shared shared, int rank) => (_shared, Rank) = (shared, rank);

    public override int Rank { get; }

    public override int Size => _shared.Parts.Length;

    /// <summary>What a rank has failed with; null while none has.</summary>
    public string? Failure => _shared.Failure;

    /// <summary>Slept before every exchange: the latency of a network.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>Called before every exchange, by the thread that exchanges.</summary>
    public Action BeforeExchange { get; set; } = () => { };

    /// <summary>Runs the same work as so many ranks, each on a thread of its own.</summary>
    /// <returns>For each rank, its result. The exception of the first rank that has failed is thrown.</returns>
    public static T[] Run<T>(int size, Func<ThreadGroup, T> work, TimeSpan latency = default)
    {
        var outcomes = RunAll(size, work, latency);
        if (outcomes.FirstOrDefault(outcome => outcome.Failure is not null).Failure is { } failure)
            ExceptionDispatchInfo.Throw(failure);
        return [.. outcomes.Select(outcome => outcome.Result!)];
    }

    /// <summary>The same, with every rank's exception.</summary>
    public static (T? Result, Exception? Failure)[] RunAll<T>(int size, Func<ThreadGroup, T> work, TimeSpan latency = default)
    {
        var shared = new Shared(size);
        var outcomes = new (T?, Exception?)[size];
        var threads = Enumerable.Range(0, size).Select(rank => new Thread(() =>
        {
            using var group = new ThreadGroup(shared, rank) { Latency = latency };
            try
            {
                outcomes[rank] = (work(group), null);
            }
            catch (Exception e)
            {
                outcomes[rank] = (default, e);
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        return outcomes;
    }

    public override void Dispose()
    {
    }

    internal override void Fail(string reason)
    {
        _shared.Failure ??= $"rank {Rank}: {reason}";
        _shared.Cancellation.Cancel();
    }

    private protected override void Gather(ReadOnlySpan<byte> own, Span<byte> all, ReadOnlySpan<int> lengths)
    {
        Assert.AreEqual(lengths[Rank], own.Length);
        var target = all;
        foreach (var (rank, part) in Meet(own.ToArray()).Index())
        {
            Assert.AreEqual(lengths[rank], part.Length);
            part.CopyTo(target);
            target = target[part.Length..];
        }
        Assert.AreEqual(0, target.Length);
    }

    private protected override void Exchange(ReadOnlySpan<byte> send, ReadOnlySpan<int> sendLengths, Span<byte> receive,
        ReadOnlySpan<int> receiveLengths)
    {
        var lengths = sendLengths.ToArray();
        Assert.AreEqual(lengths.Sum(), send.Length);
        var sent = Meet(send.ToArray());
        var allLengths = Meet([.. lengths.SelectMany(BitConverter.GetBytes)]);
        for (int rank = 0, offset = 0; rank < Size; rank++)
        {
            int LengthTo(int other) => BitConverter.ToInt32(allLengths[rank], other * sizeof(int));
            var first = Enumerable.Range(0, Rank).Sum(LengthTo);
            Assert.AreEqual(receiveLengths[rank], LengthTo(Rank));
            sent[rank].AsSpan(first, LengthTo(Rank)).CopyTo(receive[offset..]);
            offset += LengthTo(Rank);
        }
    }

    // What every rank has brought to the same exchange.
    private byte[][] Meet(byte[] own)
    {
        BeforeExchange();
        Thread.Sleep(Latency);
        try
        {
            _shared.Parts[Rank] = own;
            Assert.IsTrue(_shared.Barrier.SignalAndWait(TimeSpan.FromMinutes(2), _shared.Cancellation.Token), "a rank is missing");
            byte[][] all = [.. _shared.Parts];
            Assert.IsTrue(_shared.Barrier.SignalAndWait(TimeSpan.FromMinutes(2), _shared.Cancellation.Token), "a rank is missing");
            return all;
        }
        catch (OperationCanceledException)
        {
            throw new IOException($"The group has ended: {_shared.Failure}");
        }
    }

    private sealed class Shared(int size)
    {
        public byte[][] Parts { get; } = new byte[size][];

        public Barrier Barrier { get; } = new(size);

        public CancellationTokenSource Cancellation { get; } = new();

        public string? Failure { get; set; }
    }
}
