using System.Diagnostics;
using Microsoft.ML.ResNet.Distributed;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Processes that train one model together, each of them this object's peer in a process of its own: give it to
/// <see cref="ResNetTrainer.Options.ProcessGroup"/> in every one of them. All must do the same with it, in the same order.
/// </summary>
/// <remarks>Not thread-safe. Dispose it before the process ends; that waits for the others.</remarks>
public abstract partial class ProcessGroup : IDisposable
{
    private readonly Stopwatch _clock = new();
    private long _exchanges, _bytesSent;

    private protected ProcessGroup()
    {
    }

    /// <summary>Which process this is, from 0 to below <see cref="Size"/>. Rank 0 alone reports, logs and writes files.</summary>
    public abstract int Rank { get; }

    /// <summary>How many processes there are; at least 1.</summary>
    public abstract int Size { get; }

    /// <summary>Which process of this machine's it is, from 0; <see cref="Rank"/> where nobody says.</summary>
    internal virtual int LocalRank => Rank;

    /// <summary>What has gone between the processes so far.</summary>
    public ProcessTraffic Traffic => new(_exchanges, _bytesSent, _clock.Elapsed);

    /// <summary>
    /// Joins the processes that <c>mpirun</c> or <c>srun</c> has started, by the MPI library that is installed: Open MPI, or MPICH and what
    /// has its binary interface. The environment variable <c>RESNET_MPI</c> may name the library's file.
    /// </summary>
    /// <returns>The group; <see langword="null"/> in a process that no launcher has started, or that is alone.</returns>
    /// <exception cref="InvalidOperationException">
    /// A launcher has started several processes, and no MPI library can join them; the message says what was looked for.
    /// </exception>
    public static ProcessGroup? FromLauncher()
        => ProcessLaunch.Find() is { Size: > 1 } launch ? new MpiGroup(MpiLibrary.Load(launch), launch) : null;

    /// <summary>
    /// Does an application's work in the group of <see cref="FromLauncher"/>, and leaves it in the end. Where the work fails in one process
    /// alone, that one says why, and all end: nobody waits for it.
    /// </summary>
    /// <param name="work">The work of each process; it receives <see langword="null"/> where there is one alone.</param>
    /// <returns>The work's result. Its exception is thrown as it is.</returns>
    /// <inheritdoc cref="FromLauncher"/>
    public static T Run<T>(Func<ProcessGroup?, T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        var group = FromLauncher();
        try
        {
            var result = work(group);
            group?.Dispose();
            return result;
        }
        catch (Exception e) when (group is not null)
        {
            if (IsAgreed(e))
                group.Dispose();
            else
                group.Fail(e.Message);
            throw;
        }
    }

    /// <summary>Leaves the group, once all others do; after a failure it ends them instead.</summary>
    public abstract void Dispose();

    /// <summary>As in <c>rank 1 of 4 (Open MPI v4.1.4)</c>.</summary>
    public override string ToString() => $"rank {Rank} of {Size}";

    /// <summary>Hands what each process has to all.</summary>
    /// <param name="own">What this one has.</param>
    /// <param name="all">Receives everything, in the order of ranks.</param>
    /// <param name="lengths">For each rank, how many bytes it has.</param>
    internal void AllGather(ReadOnlySpan<byte> own, Span<byte> all, ReadOnlySpan<int> lengths)
    {
        Begin(own.Length * (long)(Size - 1));
        Gather(own, all, lengths);
        _clock.Stop();
    }

    /// <summary>Sends every process what is meant for it.</summary>
    /// <param name="send">For each rank, what it is to get, one behind the other.</param>
    /// <param name="sendLengths">How many bytes that is.</param>
    /// <param name="receive">Receives what each rank has sent, in the order of ranks.</param>
    /// <param name="receiveLengths">How many bytes that is.</param>
    internal void AllToAll(ReadOnlySpan<byte> send, ReadOnlySpan<int> sendLengths, Span<byte> receive, ReadOnlySpan<int> receiveLengths)
    {
        Begin(send.Length - sendLengths[Rank]);
        Exchange(send, sendLengths, receive, receiveLengths);
        _clock.Stop();
    }

    /// <summary>Tells why this process cannot go on, and ends all of them soon.</summary>
    internal abstract void Fail(string reason);

    private protected abstract void Gather(ReadOnlySpan<byte> own, Span<byte> all, ReadOnlySpan<int> lengths);

    private protected abstract void Exchange(ReadOnlySpan<byte> send, ReadOnlySpan<int> sendLengths, Span<byte> receive,
        ReadOnlySpan<int> receiveLengths);

    private void Begin(long bytes)
    {
        _exchanges++;
        _bytesSent += bytes;
        _clock.Start();
    }
}
