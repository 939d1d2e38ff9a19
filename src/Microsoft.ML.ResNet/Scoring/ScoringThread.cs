using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// The one thread of the process that scores. It starts with the first work, lives as long as the process and does not keep it alive.
/// </summary>
/// <remarks>
/// libtorch computes with OpenMP, and OpenMP makes a pool of threads for every thread that calls it: eight web requests at once would
/// make eight pools, each as large as the machine has cores, that fight for those cores. One calling thread needs one pool. Nothing is
/// lost by waiting in line, because each batch is spread over all cores anyway.
/// </remarks>
internal static class ScoringThread
{
    private static readonly BlockingCollection<Work> Waiting = Start();

    /// <summary>Does some work on the thread, after all work that came before, and returns when it is done. Work must not call this itself.</summary>
    /// <param name="action">The work; what it throws is thrown here.</param>
    public static void Run(Action action)
    {
        using var work = new Work(action);
        Waiting.Add(work);
        work.Wait();
    }

    private static BlockingCollection<Work> Start()
    {
        var waiting = new BlockingCollection<Work>();
        new Thread(() => DoAll(waiting)) { IsBackground = true, Name = "ResNet scoring" }.Start();
        return waiting;
    }

    private static void DoAll(BlockingCollection<Work> waiting)
    {
        foreach (var work in waiting.GetConsumingEnumerable())
            work.Do();
    }

    private sealed class Work(Action action) : IDisposable
    {
        private readonly SemaphoreSlim _done = new(0);
        private ExceptionDispatchInfo? _failure;

        public void Do()
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                _failure = ExceptionDispatchInfo.Capture(e);
            }
            _done.Release();
        }

        public void Wait()
        {
            _done.Wait();
            _failure?.Throw();
        }

        public void Dispose() => _done.Dispose();
    }
}
