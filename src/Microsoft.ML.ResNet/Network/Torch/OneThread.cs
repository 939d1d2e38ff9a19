using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>
/// What libtorch computes by one thread: how it sums up matrix products, norms and means depends on its threads, and they must not be seen
/// in the weights. For what is small beside a step.
/// </summary>
internal static class OneThread
{
    /// <summary>Does something, and goes on with as many threads as before.</summary>
    public static void Run(Action work) => Run(() =>
    {
        work();
        return true;
    });

    /// <summary>Computes, and goes on with as many threads as before.</summary>
    public static T Run<T>(Func<T> compute)
    {
        var threads = get_num_threads();
        set_num_threads(1);
        try
        {
            return compute();
        }
        finally
        {
            set_num_threads(threads);
        }
    }
}
