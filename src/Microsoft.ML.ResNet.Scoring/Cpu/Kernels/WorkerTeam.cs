using System.Runtime.ExceptionServices;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// Threads that share work between them. Work is a sequence of stages, each cut into shards; a stage begins when all shards of the one
/// before are done. Every thread has a range of the shards of its own, the same part of every stage, so that it reads what it wrote before,
/// from its own cache; who is done with it helps the others. The calling thread does whatever nobody else takes: it waits for shards that
/// others are at work on, and never for a thread to come. Any number of callers may run work at the same time.
/// </summary>
/// <remarks>
/// The threads are the team's own, because those of the thread pool may all be taken by somebody who blocks. They start when work first
/// asks for them, spin for a moment after each work, as the next comes soon, and then sleep. A thread that cannot be started, for want of
/// memory, is done without.
/// </remarks>
internal sealed class WorkerTeam : IDisposable
{
    private readonly int _spinsBeforeSleep;
    private readonly object _bell = new();
    private readonly List<Work> _open = []; // what helpers may still find a shard in
    private readonly List<Thread> _helpers = [];
    private int _opened; // works so far
    private bool _ended;

    /// <param name="size">Threads that work for one caller at most, the calling one included; at least 1.</param>
    /// <param name="spinsBeforeSleep">How often an idle thread looks for work before it sleeps, at some 0.75 microseconds each.</param>
    public WorkerTeam(int size, int spinsBeforeSleep = 1000) => (Size, _spinsBeforeSleep) = (Math.Max(1, size), spinsBeforeSleep);

    /// <summary>The team that scores, for the whole process. It has as many threads as a caller ever asked for.</summary>
    public static WorkerTeam Scoring { get; } = new(size: int.MaxValue, spinsBeforeSleep: 64);

    /// <summary>Threads that work for one caller at most, the calling one included.</summary>
    public int Size { get; }

    /// <summary>Does work of one stage and waits for its end.</summary>
    /// <param name="shards">How many shards there are.</param>
    /// <param name="work">
    /// Takes the index of a shard and that of the worker that does it: from 0, the caller, to below <see cref="Size"/>. What it throws is
    /// thrown here, once everybody has stopped; shards that were not begun by then are left out.
    /// </param>
    public void Run(int shards, Action<int, int> work) => Run([shards], Size, (_, shard, worker) => work(shard, worker));

    /// <summary>Does work of several stages and waits for its end.</summary>
    /// <param name="shards">For each stage, how many shards it has.</param>
    /// <param name="workers">Threads that may take part, the calling one included; at least 1.</param>
    /// <param name="work">
    /// Takes the index of a stage, that of a shard in it, and that of the worker that does it: from 0, the caller, to below
    /// <paramref name="workers"/>. What it throws is thrown here, once everybody has stopped; shards that were not begun by then are left
    /// out.
    /// </param>
    public void Run(int[] shards, int workers, Action<int, int, int> work)
    {
        var own = new Work(shards, Math.Min(workers, Size), work);
        if (own.Workers == 1)
        {
            own.TakePart(worker: 0);
            own.ThrowFailure();
            return;
        }
        Open(own);
        try
        {
            own.TakePart(worker: 0);
        }
        finally
        {
            lock (_bell)
                _open.Remove(own);
        }
        own.ThrowFailure();
    }

    /// <summary>Ends the threads and waits for them.</summary>
    public void Dispose()
    {
        lock (_bell)
        {
            _ended = true;
            Monitor.PulseAll(_bell);
        }
        foreach (var helper in _helpers)
            helper.Join();
    }

    private void Open(Work work)
    {
        lock (_bell)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            while (_helpers.Count < work.Workers - 1 && StartHelper(worker: _helpers.Count + 1))
            {
            }
            _open.Add(work); // last: nobody finds the work of a caller that fails before
            _opened++;
            Monitor.PulseAll(_bell);
        }
    }

    private bool StartHelper(int worker)
    {
        try
        {
            var helper = new Thread(() => Help(worker)) { IsBackground = true, Name = $"ResNet worker {worker}" };
            _helpers.EnsureCapacity(worker);
            helper.UnsafeStart(); // takes nothing along from the caller that happens to be the first
            _helpers.Add(helper);
            return true;
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            return false;
        }
    }

    // Allocates nothing, as an exception here would end the process.
    private void Help(int worker)
    {
        while (!Volatile.Read(ref _ended))
        {
            int seen;
            Work? work;
            lock (_bell)
                (seen, work) = (_opened, FindOpen(worker));
            if (work is not null)
                work.TakePart(worker);
            else
                AwaitNext(seen);
        }
    }

    private Work? FindOpen(int worker)
    {
        for (var i = 0; i < _open.Count; i++)
            if (worker < _open[i].Workers && _open[i].HasShards)
                return _open[i];
        return null;
    }

    private void AwaitNext(int seen)
    {
        for (var spins = 0; spins < _spinsBeforeSleep && Volatile.Read(ref _opened) == seen; spins++)
            Thread.SpinWait(20);
        lock (_bell)
            while (_opened == seen && !_ended)
                Monitor.Wait(_bell);
    }

    // A thread that comes late finds no shard left, and touches nothing that the caller may have let go of.
    private sealed class Work(int[] shards, int workers, Action<int, int, int> work)
    {
        private readonly int[] _taken = new int[shards.Length * workers]; // shards of each range of each stage
        private readonly int[] _done = new int[shards.Length];
        private Exception? _failure;

        public int Workers { get; } = workers;

        public bool HasShards
        {
            get
            {
                for (var stage = shards.Length - 1; stage >= 0; stage--)
                {
                    if (shards[stage] > 0 && Volatile.Read(ref _done[stage]) == shards[stage])
                        return false; // and all before
                    for (var range = 0; range < Workers; range++)
                        if (First(stage, range) + Volatile.Read(ref Taken(stage, range)) < First(stage, range + 1))
                            return true;
                }
                return false;
            }
        }

        public void TakePart(int worker)
        {
            for (var stage = 0; stage < shards.Length; stage++)
            {
                for (var range = worker; range < worker + Workers; range++) // its own first
                    TakeRange(stage, range % Workers, worker);
                var wait = default(SpinWait);
                while (Volatile.Read(ref _done[stage]) < shards[stage])
                    wait.SpinOnce(sleep1Threshold: -1); // others are at work on the rest
            }
        }

        private void TakeRange(int stage, int range, int worker)
        {
            var (first, end) = (First(stage, range), First(stage, range + 1));
            for (int shard; (shard = first + Interlocked.Increment(ref Taken(stage, range)) - 1) < end;)
                Do(stage, shard, worker);
        }

        private int First(int stage, int range) => (int)((long)shards[stage] * range / Workers);

        private ref int Taken(int stage, int range) => ref _taken[stage * Workers + range];

        // After a failure shards are counted, and not done: so everybody comes to the end, and the caller knows that all have stopped.
        private void Do(int stage, int shard, int worker)
        {
            try
            {
                if (Volatile.Read(ref _failure) is null)
                    work(stage, shard, worker);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref _failure, e, null);
            }
            finally
            {
                Interlocked.Increment(ref _done[stage]);
            }
        }

        public void ThrowFailure()
        {
            if (_failure is { } failure)
                ExceptionDispatchInfo.Throw(failure);
        }
    }
}
