using System.Collections.Concurrent;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// The one thread of the process that scores with libtorch. It starts with the first work, lives as long as the process and does not keep
/// it alive.
/// </summary>
/// <remarks>
/// libtorch computes with OpenMP, and OpenMP makes a pool of threads for every thread that calls it: eight web requests at once would
/// make eight pools, each as large as the machine has cores, that fight for those cores. One calling thread needs one pool. Nothing is
/// lost by waiting in line, because each batch is spread over all cores anyway.
/// </remarks>
internal static class ScoringThread
{
    private static readonly BlockingCollection<Action> Waiting = Start();

    /// <summary>
    /// Does some work on the thread, after all work that came before, and returns when it is done. Work must not call this itself.
    /// </summary>
    /// <param name="action">The work; what it throws is thrown here.</param>
    public static void Run(Action action)
    {
        var done = new TaskCompletionSource();
        Waiting.Add(() => Do(action, done));
        done.Task.GetAwaiter().GetResult(); // rethrows as is, where Wait would wrap
    }

    private static BlockingCollection<Action> Start()
    {
        var waiting = new BlockingCollection<Action>();
        new Thread(() => DoAll(waiting)) { IsBackground = true, Name = "ResNet scoring" }.Start();
        return waiting;
    }

    private static void DoAll(BlockingCollection<Action> waiting)
    {
        foreach (var work in waiting.GetConsumingEnumerable())
            work();
    }

    private static void Do(Action action, TaskCompletionSource done)
    {
        try
        {
            action();
            done.SetResult();
        }
        catch (Exception e)
        {
            done.SetException(e); // an exception must not end the thread
        }
    }
}
