using Microsoft.ML.ResNet.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Tests.Cpu.Kernels;

[TestClass]
public class WorkerTeamTests
{
    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(5)]
    public void Every_piece_of_every_loop_is_done_once(int size)
    {
        using var team = new WorkerTeam(size);
        for (var round = 0; round < 2000; round++)
        {
            var done = new int[7];
            team.Run(done.Length, (piece, _) => Interlocked.Increment(ref done[piece]));
            Assert.IsTrue(done.All(times => times == 1), $"round {round}: {string.Join(", ", done)}");
        }
    }

    [TestMethod]
    public void Loops_after_a_pause_find_the_helpers_that_fell_asleep()
    {
        using var team = new WorkerTeam(3);
        for (var round = 0; round < 5; round++)
        {
            Thread.Sleep(30);
            var workers = new bool[team.Size];
            team.Run(team.Size, (_, worker) =>
            {
                workers[worker] = true;
                // holds the piece until each worker has one
                SpinWait.SpinUntil(() => workers.All(there => there), TimeSpan.FromSeconds(20));
            });
            Assert.IsTrue(workers.All(there => there), $"round {round}");
        }
    }

    [TestMethod]
    public void An_exception_of_a_helper_is_thrown_to_the_caller_and_the_team_goes_on()
    {
        using var team = new WorkerTeam(2);

        Assert.ThrowsExactly<InvalidOperationException>(() => team.Run(8, (piece, _) => throw new InvalidOperationException($"{piece}")));

        var done = 0;
        team.Run(8, (_, _) => Interlocked.Increment(ref done));
        Assert.AreEqual(8, done);
    }

    [TestMethod]
    public void Disposal_ends_the_threads_that_sleep()
    {
        var team = new WorkerTeam(4);
        Thread.Sleep(50);
        team.Dispose(); // would wait for ever
    }
}
