using System.Diagnostics;

namespace Microsoft.ML.ResNet.Distributed;

/// <summary>
/// Processes that MPI connects. A process that waits for another longer than <see cref="Patience"/> says so and ends all: a rank that is
/// stopped, or out of the network's reach, holds nobody for ever.
/// </summary>
internal sealed class MpiGroup : ProcessGroup
{
    private const int TriesBeforeYield = 32; // some microseconds

    private static readonly TimeSpan TimeBeforeSleep = TimeSpan.FromMilliseconds(1);

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2); // for others that fail alike, and say why themselves

    private readonly MpiLibrary _library;
    private bool _hasFailed, _isDisposed;

    /// <summary>Joins the others.</summary>
    /// <exception cref="InvalidOperationException">The launcher and the library are not of one kind.</exception>
    public MpiGroup(MpiLibrary library, ProcessLaunch launch)
    {
        _library = library;
        library.Start();
        (Rank, Size) = (library.Rank(), library.Size());
        if ((Rank, Size) != (launch.Rank, launch.Size))
            throw new InvalidOperationException($"This is {launch}, but {library.Name} says that it is rank {Rank} of {Size}. Use the "
                + "mpirun that belongs to the library, or name the library that belongs to mpirun in the variable RESNET_MPI.");
        LocalRank = launch.LocalRank ?? Rank;
        Patience = PatienceOf(Environment.GetEnvironmentVariable("RESNET_MPI_PATIENCE"));
    }

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <inheritdoc/>
    public override int Size { get; }

    /// <inheritdoc/>
    internal override int LocalRank { get; }

    /// <summary>How long a process waits for others. The default is ten minutes; RESNET_MPI_PATIENCE sets it, in seconds.</summary>
    public TimeSpan Patience { get; }

    /// <inheritdoc/>
    public override string ToString() => $"{base.ToString()} ({_library.Name})";

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        if (_hasFailed)
            _library.Abort();
        else
            _library.Finish();
    }

    /// <inheritdoc/>
    internal override void Fail(string reason)
    {
        if (_hasFailed || _isDisposed)
            return;
        _hasFailed = true;
        Console.Error.WriteLine($"Rank {Rank} of {Size} ends all processes: {reason.ReplaceLineEndings(" ")}");
        new Thread(() =>
        {
            Thread.Sleep(Grace);
            _library.Abort();
        })
        { IsBackground = true }.Start();
    }

    private protected override unsafe void Gather(ReadOnlySpan<byte> own, Span<byte> all, ReadOnlySpan<int> lengths)
    {
        var offsets = stackalloc int[Size];
        Offsets(lengths, offsets);
        fixed (byte* from = own, to = all)
        fixed (int* counts = lengths)
            Wait(_library.AllGather(from, own.Length, to, counts, offsets));
    }

    private protected override unsafe void Exchange(ReadOnlySpan<byte> send, ReadOnlySpan<int> sendLengths, Span<byte> receive,
        ReadOnlySpan<int> receiveLengths)
    {
        int* sendOffsets = stackalloc int[Size], receiveOffsets = stackalloc int[Size];
        Offsets(sendLengths, sendOffsets);
        Offsets(receiveLengths, receiveOffsets);
        fixed (byte* from = send, to = receive)
        fixed (int* sendCounts = sendLengths, receiveCounts = receiveLengths)
            Wait(_library.AllToAll(from, sendCounts, sendOffsets, to, receiveCounts, receiveOffsets));
    }

    private static unsafe void Offsets(ReadOnlySpan<int> lengths, int* offsets)
    {
        for (int rank = 0, offset = 0; rank < lengths.Length; offset = checked(offset + lengths[rank]), rank++)
            offsets[rank] = offset;
    }

    private static TimeSpan PatienceOf(string? seconds)
        => int.TryParse(seconds, out var given) && given > 0 ? TimeSpan.FromSeconds(given) : TimeSpan.FromMinutes(10);

    // MPI's own waiting takes a processor for itself, even where another rank needs it to come to the exchange. To yield is not enough:
    // launchers give each rank a session of its own, and Linux lets a thread yield to its own session alone.
    private void Wait(nint request)
    {
        var since = Stopwatch.GetTimestamp();
        for (var tries = 1; !_library.IsDone(ref request); tries++)
        {
            if (tries % TriesBeforeYield != 0)
                continue;
            var waited = Stopwatch.GetElapsedTime(since);
            if (waited < TimeBeforeSleep)
                Thread.Yield();
            else
                MpiLibrary.Nap();
            if (waited < Patience)
                continue;
            Console.Error.WriteLine($"Rank {Rank} of {Size} has waited {Patience.TotalSeconds:f0} s for another rank, which is stopped, "
                + "too slow or out of reach, and ends all processes. RESNET_MPI_PATIENCE sets how long it waits, in seconds.");
            _library.Abort();
        }
    }
}
