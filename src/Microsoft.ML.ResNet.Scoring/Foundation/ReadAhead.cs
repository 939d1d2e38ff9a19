using System.Runtime.ExceptionServices;

namespace Microsoft.ML.ResNet.Foundation;

/// <summary>Does work ahead of its consumer, on several threads, and hands over the results in order.</summary>
/// <remarks>
/// The threads are its own: they start with the first items and end with the enumeration. Those of the pool may all be held up by
/// somebody else's work, for ever if that waits for our consumer.
/// </remarks>
internal static class ReadAhead
{
    /// <summary>The results of <paramref name="work"/> on each item, in the order of the items.</summary>
    /// <remarks>
    /// At most <paramref name="ahead"/> times <paramref name="degreeOfParallelism"/> results exist or are being made ahead of the consumer.
    /// Items are taken from <paramref name="items"/> by the consumer's thread only. When the enumerator is disposed, work that has begun is
    /// waited for and the rest is never begun, so nothing runs on afterwards.
    /// </remarks>
    /// <param name="items">What to work on.</param>
    /// <param name="work">The work; called from several threads.</param>
    /// <param name="degreeOfParallelism">How many items may be worked on at the same time; at least 1.</param>
    /// <param name="ahead">
    /// For each of these, results that may exist; more keep threads at work while the consumer is held up, and take memory.
    /// </param>
    public static IEnumerable<TResult> InOrder<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, TResult> work, int degreeOfParallelism,
        int ahead = 2)
    {
        using var workers = new Workers<TItem, TResult>(work, degreeOfParallelism);
        var pending = new Queue<Job<TItem, TResult>>();
        foreach (var item in items)
        {
            pending.Enqueue(workers.Add(item));
            if (pending.Count == (long)ahead * degreeOfParallelism)
                yield return workers.ResultOf(pending.Dequeue());
        }
        while (pending.TryDequeue(out var job))
            yield return workers.ResultOf(job);
    }

    /// <summary>The threads of one enumeration.</summary>
    private sealed class Workers<TItem, TResult>(Func<TItem, TResult> work, int mostThreads) : IDisposable
    {
        private readonly Queue<Job<TItem, TResult>> _waiting = new(); // also the lock of all that changes
        private readonly List<Thread> _threads = [];
        private int _idle;
        private bool _stopped;

        /// <summary>Hands a job to the threads, and starts one more where all are busy and another may be.</summary>
        public Job<TItem, TResult> Add(TItem item)
        {
            var job = new Job<TItem, TResult>(item);
            bool needsThread;
            lock (_waiting)
            {
                _waiting.Enqueue(job);
                needsThread = _waiting.Count > _idle && _threads.Count < mostThreads;
                Monitor.Pulse(_waiting);
            }
            if (needsThread)
                Start();
            return job;
        }

        /// <summary>Waits for a job's end; what the work throws is thrown here as it is.</summary>
        public TResult ResultOf(Job<TItem, TResult> job)
        {
            if (_threads.Count == 0 && Take(wait: false) is { } own) // the system gave no thread: the oldest job is the one asked for
                own.Run(work);
            return job.Result();
        }

        /// <summary>Waits for the jobs that have begun and drops the others.</summary>
        public void Dispose()
        {
            lock (_waiting)
            {
                _stopped = true;
                Monitor.PulseAll(_waiting);
            }
            _threads.ForEach(thread => thread.Join());
        }

        private void Start()
        {
            try
            {
                var thread = new Thread(WorkUntilStopped) { IsBackground = true, Name = "ResNet read-ahead" };
                thread.Start();
                _threads.Add(thread);
            }
            catch (OutOfMemoryException)
            {
                // The system has no room for one more thread: those that are there do the work, or else the consumer.
            }
        }

        private void WorkUntilStopped()
        {
            while (Take(wait: true) is { } job)
                job.Run(work);
        }

        private Job<TItem, TResult>? Take(bool wait)
        {
            lock (_waiting)
            {
                _idle++;
                while (wait && _waiting.Count == 0 && !_stopped)
                    Monitor.Wait(_waiting);
                _idle--;
                return !_stopped && _waiting.TryDequeue(out var job) ? job : null;
            }
        }
    }

    /// <summary>One item's work and what became of it.</summary>
    private sealed class Job<TItem, TResult>(TItem item)
    {
        private TResult? _result;
        private ExceptionDispatchInfo? _error;
        private bool _ended;

        public void Run(Func<TItem, TResult> work)
        {
            try
            {
                _result = work(item);
            }
            catch (Exception e)
            {
                _error = ExceptionDispatchInfo.Capture(e);
            }
            lock (this)
            {
                _ended = true;
                Monitor.PulseAll(this);
            }
        }

        public TResult Result()
        {
            lock (this)
                while (!_ended)
                    Monitor.Wait(this);
            _error?.Throw();
            return _result!;
        }
    }
}
