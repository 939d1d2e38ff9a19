using Microsoft.ML.ResNet.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Tests.Cpu.Kernels;

[TestClass]
public class WorkerTeamTests
{
    private const int Limit = 60_000; // ms: what fails here would mostly hang

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [TestMethod]
    [Timeout(Limit)]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(5)]
    public void Every_shard_of_every_loop_is_done_once(int size)
    {
        using var team = new WorkerTeam(size);
        for (var round = 0; round < 1000; round++)
        {
            var done = new int[7];
            team.Run(done.Length, (shard, _) => Interlocked.Increment(ref done[shard]));
            Assert.IsTrue(done.All(times => times == 1), $"round {round}: {string.Join(", ", done)}");
        }
    }

    [TestMethod]
    [Timeout(Limit)]
    public void A_stage_begins_when_all_shards_before_are_done()
    {
        using var team = new WorkerTeam(4);
        int[] shards = [5, 1, 0, 9, 3];
        for (var round = 0; round < 300; round++)
        {
            var done = new int[shards.Length];
            var early = 0;
            team.Run(shards, workers: 3, (stage, _, worker) =>
            {
                if (worker is < 0 or > 2 || Enumerable.Range(0, stage).Any(before => Volatile.Read(ref done[before]) < shards[before]))
                    Interlocked.Increment(ref early);
                Interlocked.Increment(ref done[stage]);
            });
            Assert.AreEqual(0, early);
            CollectionAssert.AreEqual(shards, done);
        }
    }

    [TestMethod]
    [Timeout(Limit)]
    public void Every_worker_has_the_same_part_of_every_stage()
    {
        using var team = new WorkerTeam(2);
        for (var round = 0; round < 100; round++)
        {
            int[] begun = [0, 0], workers = [-1, -1, -1, -1];
            team.Run([2, 2], workers: 2, (stage, shard, worker) =>
            {
                workers[2 * stage + shard] = worker;
                Interlocked.Increment(ref begun[stage]);
                // holds the shard until the other worker has one
                SpinWait.SpinUntil(() => Volatile.Read(ref begun[stage]) == 2, Patience);
            });
            CollectionAssert.AreEqual((int[])[0, 1, 0, 1], workers, $"round {round}: {string.Join(", ", workers)}");
        }
    }

    [TestMethod]
    [Timeout(Limit)]
    public void Loops_after_a_pause_find_the_helpers_that_fell_asleep()
    {
        using var team = new WorkerTeam(3);
        for (var round = 0; round < 5; round++)
        {
            Thread.Sleep(30);
            var workers = new bool[team.Size];
            team.Run(team.Size, (_, worker) =>
            {
                Volatile.Write(ref workers[worker], true);
                // holds the shard until each worker has one
                SpinWait.SpinUntil(() => workers.All(there => there), Patience);
            });
            Assert.IsTrue(workers.All(there => there), $"round {round}");
        }
    }

    [TestMethod]
    [Timeout(Limit)]
    [DataRow(0)] // the caller
    [DataRow(1)] // a helper
    public void An_exception_of_any_worker_reaches_the_caller_when_all_have_stopped(int thrower)
    {
        using var team = new WorkerTeam(2);
        for (var round = 0; round < 20; round++)
        {
            var (begun, running, thrown) = (0, 0, false);
            var failure = Assert.Throws<OutOfMemoryException>(() => team.Run([5000, 5000], workers: 2, (_, _, worker) =>
            {
                Interlocked.Increment(ref begun);
                if (worker == thrower)
                {
                    Volatile.Write(ref thrown, true);
                    throw new InsufficientMemoryException("mine");
                }
                Interlocked.Increment(ref running);
                SpinWait.SpinUntil(() => Volatile.Read(ref thrown), Patience);
                Thread.Sleep(1); // the other is counted as failed by now, and nothing begins any more
                Interlocked.Decrement(ref running);
            }));
            Assert.AreEqual("mine", failure.Message);
            Assert.AreEqual(0, running, "Somebody works on behind the caller's back.");
            Assert.IsLessThan(5000, begun, "Shards were begun after the failure.");
        }
        var done = 0;
        team.Run(8, (_, _) => Interlocked.Increment(ref done));
        Assert.AreEqual(8, done);
    }

    [TestMethod]
    [Timeout(Limit)]
    public void Many_callers_at_once_get_each_their_own_work_done()
    {
        using var team = new WorkerTeam(3, spinsBeforeSleep: 64);
        var failures = 0;
        var callers = Enumerable.Range(0, 8).Select(caller => new Thread(() =>
        {
            for (var round = 0; round < 200; round++)
            {
                var done = new int[6];
                var fails = (caller + round) % 7 == 0;
                try
                {
                    team.Run([2, 4], 3, (stage, shard, _) =>
                    {
                        if (fails && stage == 1)
                            throw new InvalidOperationException($"{caller}");
                        Interlocked.Increment(ref done[2 * stage + shard]);
                    });
                    if (fails || done.Any(times => times != 1))
                        Interlocked.Increment(ref failures);
                }
                catch (InvalidOperationException e) when (fails && e.Message == $"{caller}")
                {
                }
            }
        })).ToList();
        callers.ForEach(caller => caller.Start());
        callers.ForEach(caller => caller.Join());
        Assert.AreEqual(0, failures);
    }

    [TestMethod]
    [Timeout(Limit)]
    public void The_caller_does_what_nobody_else_takes()
    {
        using var team = new WorkerTeam(2);
        using var gate = new ManualResetEventSlim();
        var caught = false;
        var other = new Thread(() => team.Run(2, (_, worker) =>
        {
            if (worker == 1)
            {
                Volatile.Write(ref caught, true);
                gate.Wait();
            }
            else
                SpinWait.SpinUntil(() => Volatile.Read(ref caught), Patience);
        }));
        other.Start();
        SpinWait.SpinUntil(() => Volatile.Read(ref caught), Patience);

        var done = 0;
        team.Run(50, (_, worker) => done += worker == 0 ? 1 : 100); // the only helper is held up

        gate.Set();
        other.Join();
        Assert.AreEqual(50, done);
    }

    [TestMethod]
    [Timeout(Limit)]
    public void Disposal_ends_the_threads_that_sleep()
    {
        var team = new WorkerTeam(4);
        team.Run(4, (_, _) => { });
        Thread.Sleep(50);
        team.Dispose(); // would wait for ever
        Assert.ThrowsExactly<ObjectDisposedException>(() => team.Run(4, (_, _) => { }));
    }
}
