namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>Does work ahead of its consumer, on several threads, and hands over the results in order.</summary>
internal static class ReadAhead
{
    /// <summary>The results of <paramref name="work"/> on each item, in the order of the items.</summary>
    /// <remarks>
    /// At most twice <paramref name="degreeOfParallelism"/> results exist or are being made ahead of the consumer. Items are taken from <paramref name="items"/> by the
    /// consumer's thread only. When the enumerator is disposed, work that has begun is waited for and the rest is never begun, so nothing runs on afterwards.
    /// </remarks>
    /// <param name="items">What to work on.</param>
    /// <param name="work">The work; called from several threads.</param>
    /// <param name="degreeOfParallelism">How many items may be worked on at the same time; at least 1.</param>
    public static IEnumerable<TResult> InOrder<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, TResult> work, int degreeOfParallelism)
    {
        var limited = new ConcurrentExclusiveSchedulerPair(TaskScheduler.Default, degreeOfParallelism).ConcurrentScheduler;
        using var stop = new CancellationTokenSource();
        var ahead = new Queue<Task<TResult>>();
        try
        {
            foreach (var item in items)
            {
                ahead.Enqueue(Task.Factory.StartNew(() => work(item), stop.Token, TaskCreationOptions.DenyChildAttach, limited));
                if (ahead.Count == 2L * degreeOfParallelism)
                    yield return ahead.Dequeue().GetAwaiter().GetResult();
            }
            while (ahead.TryDequeue(out var task))
                yield return task.GetAwaiter().GetResult();
        }
        finally
        {
            stop.Cancel();
            WaitForAll(ahead);
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
