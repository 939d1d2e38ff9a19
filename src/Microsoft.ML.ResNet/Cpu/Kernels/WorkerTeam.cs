using System.Runtime.ExceptionServices;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// A few threads that share loops between them. Pieces of a loop are handed out one by one, and the loop ends when all are done, so that a
/// thread that a busy neighbour holds up does fewer of them and is not waited for. Idle threads spin for some microseconds, as the next
/// loop comes soon, and then sleep. One loop at a time.
/// </summary>
internal sealed class WorkerTeam : IDisposable
{
    private const int SpinsBeforeSleep = 1000;

    private readonly Thread[] _helpers;
    private readonly object _bell = new();
    private Loop _loop = new(0, (_, _) => { });
    private bool _ended;

    /// <param name="size">Threads that work, the calling one included; at least 1.</param>
    public WorkerTeam(int size)
    {
        Size = Math.Max(1, size);
        _helpers = new Thread[Size - 1];
        for (var helper = 0; helper < _helpers.Length; helper++)
        {
            var worker = helper + 1;
            _helpers[helper] = new Thread(() => Help(worker)) { IsBackground = true, Name = "ResNet kernels" };
            _helpers[helper].Start();
        }
    }

    /// <summary>Threads that work, the calling one included.</summary>
    public int Size { get; }

    /// <summary>Runs a loop and waits for its end.</summary>
    /// <param name="pieces">How many pieces there are.</param>
    /// <param name="work">
    /// Takes the index of a piece and that of the worker that does it, from 0 to below <see cref="Size"/>. What it throws is thrown here.
    /// </param>
    public void Run(int pieces, Action<int, int> work)
    {
        var loop = new Loop(pieces, work);
        Ring(() => Volatile.Write(ref _loop, loop));
        loop.DoPieces(worker: 0);
        loop.Wait();
    }

    /// <summary>Ends the threads and waits for them.</summary>
    public void Dispose()
    {
        Ring(() => _ended = true);
        foreach (var helper in _helpers)
            helper.Join();
    }

    private void Ring(Action change)
    {
        lock (_bell)
        {
            change();
            Monitor.PulseAll(_bell);
        }
    }

    private void Help(int worker)
    {
        for (var done = _loop; NextAfter(done) is { } loop; done = loop)
            loop.DoPieces(worker);
    }

    private Loop? NextAfter(Loop done)
    {
        for (var spins = 0; spins < SpinsBeforeSleep && Volatile.Read(ref _loop) == done; spins++)
            Thread.SpinWait(20);
        lock (_bell)
        {
            while (_loop == done && !_ended)
                Monitor.Wait(_bell);
            return _ended ? null : _loop;
        }
    }

    // A thread that comes late to a loop finds no piece left, and touches nothing of the loops after it.
    private sealed class Loop(int pieces, Action<int, int> work)
    {
        private int _next;
        private int _done;
        private ExceptionDispatchInfo? _failure;

        public void DoPieces(int worker)
        {
            for (int piece; (piece = Interlocked.Increment(ref _next) - 1) < pieces; Interlocked.Increment(ref _done))
                try
                {
                    work(piece, worker);
                }
                catch (Exception e)
                {
                    _failure = ExceptionDispatchInfo.Capture(e);
                }
        }

        public void Wait()
        {
            for (var spins = 0; Volatile.Read(ref _done) < pieces; spins++)
                if (spins < SpinsBeforeSleep)
                    Thread.SpinWait(20);
                else
                    Thread.Yield();
            _failure?.Throw();
        }
    }
}
