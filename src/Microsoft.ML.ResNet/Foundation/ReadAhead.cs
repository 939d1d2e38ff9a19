namespace Microsoft.ML.ResNet.Foundation;

/// <summary>Does work ahead of its consumer, on several threads, and hands over the results in order.</summary>
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
        var limited = new ConcurrentExclusiveSchedulerPair(TaskScheduler.Default, degreeOfParallelism).ConcurrentScheduler;
        using var stop = new CancellationTokenSource();
        var pending = new Queue<Task<TResult>>();
        try
        {
            foreach (var item in items)
            {
                pending.Enqueue(Task.Factory.StartNew(() => work(item), stop.Token, TaskCreationOptions.DenyChildAttach, limited));
                if (pending.Count == (long)ahead * degreeOfParallelism)
                    yield return pending.Dequeue().GetAwaiter().GetResult();
            }
            while (pending.TryDequeue(out var task))
                yield return task.GetAwaiter().GetResult();
        }
        finally
        {
            stop.Cancel();
            WaitForAll(pending);
        }
    }

    private static void WaitForAll(IEnumerable<Task> tasks)
    {
        try
        {
            Task.WaitAll(tasks);
        }
        catch (AggregateException)
        {
            // Cancelled, or failed after the consumer had stopped: nobody is left to want the result.
        }
    }
}
