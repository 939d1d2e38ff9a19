using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Microsoft.ML.ResNet.Foundation;

/// <summary>
/// Runs work on a thread of its own, which ends with it. libgomp keeps a pool of threads for every thread that ever computed; once there
/// are more of them than processors it lets none of them spin, and small operations, such as a single prediction, take ten times as long. A
/// thread that ends takes its pool along.
/// </summary>
internal static class OwnThread
{
    /// <summary>Runs work and waits for it.</summary>
    /// <param name="name">The thread's name, for debuggers.</param>
    /// <param name="work">
    /// The work. It receives what runs an action on the calling thread and waits for it, for callbacks that expect to be there.
    /// </param>
    /// <returns>The work's result. Its exception is thrown as it is.</returns>
    public static T Run<T>(string name, Func<Action<Action>, T> work)
    {
        using var calls = new BlockingCollection<Task>();
        var (result, error) = (default(T), (ExceptionDispatchInfo?)null);
        var thread = new Thread(() =>
        {
            try
            {
                result = work(RunOnCaller);
            }
            catch (Exception e)
            {
                error = ExceptionDispatchInfo.Capture(e);
            }
            finally
            {
                calls.CompleteAdding();
            }
        })
        {
            Name = name,
            IsBackground = true, // a process that ends need not wait for it
        };
        thread.Start();

        // The work uses what its caller owns, so the caller waits for its end even when it is interrupted, and passes that on afterwards.
        var interrupted = false;
        while (WaitForCall() is { } call)
            call.RunSynchronously();
        if (interrupted)
            Thread.CurrentThread.Interrupt();
        error?.Throw();
        return result!;

        Task? WaitForCall()
        {
            while (true)
            {
                try
                {
                    if (calls.TryTake(out var call, Timeout.Infinite))
                        return call;
                    thread.Join();
                    return null;
                }
                catch (ThreadInterruptedException)
                {
                    interrupted = true;
                }
            }
        }

        void RunOnCaller(Action action)
        {
            var call = new Task(action);
            calls.Add(call);
            call.GetAwaiter().GetResult();
        }
    }
}
