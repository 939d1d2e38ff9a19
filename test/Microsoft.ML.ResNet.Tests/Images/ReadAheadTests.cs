using Microsoft.ML.ResNet.Foundation;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>Ordered, bounded, stoppable work ahead of a consumer.</summary>
[TestClass]
public sealed class ReadAheadTests
{
    [TestMethod]
    public void Results_keep_the_order_of_the_items()
    {
        var random = new Random(1);
        var delays = Enumerable.Range(0, 100).Select(_ => random.Next(0, 300)).ToArray();

        var results = ReadAhead.InOrder(Enumerable.Range(0, 100), i => { Thread.SpinWait(delays[i] * 100); return i; }, 4);

        CollectionAssert.AreEqual(Enumerable.Range(0, 100).ToArray(), results.ToArray());
    }

    [TestMethod]
    public void Work_is_bounded_in_parallel_and_ahead()
    {
        var (running, most, taken, consumed, furthest) = (0, 0, 0, 0, 0);
        IEnumerable<int> Items()
        {
            for (; taken < 200; taken++)
            {
                furthest = Math.Max(furthest, taken + 1 - consumed);
                yield return taken;
            }
        }

        foreach (var _ in ReadAhead.InOrder(Items(), Work, 2))
            consumed++;

        Assert.IsLessThanOrEqualTo(2, most);
        Assert.IsLessThanOrEqualTo(5, furthest);
        Assert.AreEqual(200, consumed);

        int Work(int item)
        {
            var now = Interlocked.Increment(ref running);
            lock (this)
                most = Math.Max(most, now);
            Thread.SpinWait(1000);
            Interlocked.Decrement(ref running);
            return item;
        }
    }

    [TestMethod]
    public void Nothing_runs_after_the_consumer_stopped()
    {
        var (begun, ended) = (0, 0);
        foreach (var _ in ReadAhead.InOrder(Enumerable.Range(0, 1000), Work, 3))
            break;

        Assert.AreEqual(begun, ended, "Work that began was not waited for.");
        Assert.IsLessThanOrEqualTo(6, begun);

        int Work(int item)
        {
            Interlocked.Increment(ref begun);
            Thread.Sleep(5);
            Interlocked.Increment(ref ended);
            return item;
        }
    }

    [TestMethod]
    [Timeout(60_000, CooperativeCancellation = false)]
    public void Blocked_threads_of_the_pool_hold_nothing_up()
    {
        using var release = new ManualResetEventSlim();
        using var ended = new CountdownEvent(64);
        for (var i = 0; i < 64; i++)
            ThreadPool.UnsafeQueueUserWorkItem(_ =>
            {
                release.Wait();
                ended.Signal();
            }, null);
        try
        {
            var threads = new HashSet<bool>();
            foreach (var isPool in ReadAhead.InOrder(Enumerable.Range(0, 100), _ => Thread.CurrentThread.IsThreadPoolThread, 4))
                threads.Add(isPool);
            CollectionAssert.AreEqual(new[] { false }, threads.ToArray());
        }
        finally
        {
            release.Set();
            ended.Wait();
        }
    }

    [TestMethod]
    [Timeout(60_000, CooperativeCancellation = false)]
    public void No_thread_outlives_the_enumeration()
    {
        var threads = new HashSet<Thread>();
        foreach (var thread in ReadAhead.InOrder(Enumerable.Range(0, 100), _ => Thread.CurrentThread, 4).Take(50))
            threads.Add(thread);
        Assert.IsLessThanOrEqualTo(4, threads.Count);
        Assert.IsFalse(threads.Any(thread => thread.IsAlive));
    }

    [TestMethod]
    public void A_failure_arrives_after_the_results_before_it()
    {
        var seen = new List<int>();

        Assert.ThrowsExactly<IOException>(() =>
        {
            foreach (var result in ReadAhead.InOrder(Enumerable.Range(0, 50), i => i == 7 ? throw new IOException("seven") : i, 4))
                seen.Add(result);
        });
        CollectionAssert.AreEqual(Enumerable.Range(0, 7).ToArray(), seen);
    }
}
