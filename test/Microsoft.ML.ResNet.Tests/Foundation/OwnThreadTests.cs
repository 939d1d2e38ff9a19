using Microsoft.ML.ResNet.Foundation;

namespace Microsoft.ML.ResNet.Tests.Foundation;

[TestClass]
public class OwnThreadTests
{
    [TestMethod]
    public void Work_runs_elsewhere_and_callbacks_run_here()
    {
        var here = Environment.CurrentManagedThreadId;
        var (worker, callback) = (here, 0);

        var result = OwnThread.Run("test", onCaller =>
        {
            worker = Environment.CurrentManagedThreadId;
            onCaller(() => callback = Environment.CurrentManagedThreadId);
            return 42;
        });

        Assert.AreEqual(42, result);
        Assert.AreNotEqual(here, worker);
        Assert.AreEqual(here, callback);
    }

    [TestMethod]
    public void Exceptions_of_work_and_of_callbacks_come_out_as_they_are()
    {
        Assert.ThrowsExactly<InvalidDataException>(() => OwnThread.Run<int>("test", _ => throw new InvalidDataException()));
        Assert.ThrowsExactly<InvalidDataException>(() => OwnThread.Run("test", onCaller =>
        {
            onCaller(() => throw new InvalidDataException());
            return 0;
        }));
    }

    [TestMethod]
    public void An_interrupted_caller_waits_for_the_end_and_is_interrupted_then()
    {
        var (ended, interruptedAfter) = (false, false);
        using var began = new ManualResetEventSlim();
        var caller = new Thread(() =>
        {
            OwnThread.Run("test", _ =>
            {
                began.Set();
                Thread.Sleep(200);
                return ended = true;
            });
            try
            {
                Thread.Sleep(10);
            }
            catch (ThreadInterruptedException)
            {
                interruptedAfter = ended;
            }
        });
        caller.Start();
        began.Wait();
        caller.Interrupt();
        caller.Join();

        Assert.IsTrue(interruptedAfter);
    }
}
