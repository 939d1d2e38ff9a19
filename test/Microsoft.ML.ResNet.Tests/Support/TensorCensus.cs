using System.Runtime.CompilerServices;
using Microsoft.ML.ResNet.Network;
using TorchSharp;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>
/// Counts the tensors that came to life since <see cref="Start"/> and were not disposed. A tensor that was dropped and then
/// finalised is still a survivor: nobody disposed it.
/// </summary>
/// <remarks>
/// TorchSharp counts twice, and neither count is enough alone. The statistics of the dispose scopes are right, but each
/// thread has its own. <see cref="torch.Tensor.TotalCount"/> sees all threads, but <c>new Parameter(tensor)</c> empties the
/// tensor without uncounting it, so that every parameter leaves a phantom behind for ever.
/// </remarks>
internal sealed class TensorCensus
{
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly long _aliveOnThread = AliveOnThread;
    private readonly long _aliveAnywhere = AliveAnywhere();

    private TensorCensus()
    {
    }

    /// <summary>
    /// Tensors that this thread created and did not dispose since the start; negative if it disposed more than it created.
    /// </summary>
    /// <exception cref="InvalidOperationException">Called from another thread than <see cref="Start"/>.</exception>
    public long Survivors => Environment.CurrentManagedThreadId == _thread
        ? AliveOnThread - _aliveOnThread
        : throw new InvalidOperationException(
            "A census is taken on the thread that started it: TorchSharp's statistics are per thread. Do not await in between.");

    /// <summary>
    /// Tensors of all threads that were created and not disposed since the start, plus one for every parameter that was made from a tensor.
    /// </summary>
    public long SurvivorsAnywhere => AliveAnywhere() - _aliveAnywhere;

    private static long AliveOnThread => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

    /// <summary>Begins to count, on the calling thread and in the process.</summary>
    public static TensorCensus Start() => new();

    /// <summary>
    /// Fails unless exactly <paramref name="expected"/> tensors of this thread survive. Right for code that makes parameters.
    /// </summary>
    public void AssertNoSurvivors(long expected = 0)
        => Assert.AreEqual(expected, Survivors, "Tensors that this thread created since the census began and did not dispose");

    /// <summary>
    /// Fails unless exactly <paramref name="expected"/> tensors of all threads survive. For code that makes no parameters, such as scoring.
    /// </summary>
    public void AssertNoSurvivorsAnywhere(long expected = 0)
        => Assert.AreEqual(expected, SurvivorsAnywhere, "Tensors of all threads that were created since the census began and not disposed");

    /// <summary>
    /// Fails if a tensor of any thread survives <c>Fit</c>, which trains on a thread of its own. Each network that was built leaves one
    /// phantom for each of its parameters (see the remarks), and that many are allowed for.
    /// </summary>
    /// <param name="architecture">The plan of the networks.</param>
    /// <param name="networks">How many were built: one for each <c>Fit</c>, and one for each model that scored by libtorch.</param>
    public void AssertNoSurvivorsOfTraining(ResNetArchitecture architecture, int networks)
        => AssertNoSurvivorsAnywhere(networks
            * NetworkPlan.StateOf(architecture, channels: 3, classes: 3).Count(entry => entry.IsParameter));

    /// <summary>
    /// All tensors that were created and not disposed. The finalizer thread's own statistics tell how many tensors it disposed
    /// in its users' stead; both numbers are read on that thread, so that no tensor can be finalised between the two.
    /// </summary>
    private static long AliveAnywhere()
    {
        var count = new StrongBox<long>(long.MinValue);
        while (Volatile.Read(ref count.Value) == long.MinValue)
        {
            LeaveToTheFinalizer(count);
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        return count.Value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)] // so that no register of the caller keeps the object alive
    private static void LeaveToTheFinalizer(StrongBox<long> count) => _ = new Reader(count);

    private sealed class Reader(StrongBox<long> count)
    {
        ~Reader()
        {
            var finalised = DisposeScopeManager.Statistics.TensorStatistics;
            Volatile.Write(ref count.Value, torch.Tensor.TotalCount + finalised.DisposedInScopeCount + finalised.DisposedOutsideScopeCount);
        }
    }
}
