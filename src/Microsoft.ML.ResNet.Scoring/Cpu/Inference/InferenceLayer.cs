namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// One step of a network: reads maps, writes another. Its work is cut into shards that may be done in any order, at the same time.
/// </summary>
/// <remarks>
/// What loops over pixels is compiled with all optimisations at once: a service that has just started should not wait for the runtime to
/// notice.
/// </remarks>
internal abstract class InferenceLayer : IDisposable
{
    /// <summary>How many shards the work on some images has.</summary>
    public abstract int Shards(int images);

    /// <summary>Does some of the shards.</summary>
    /// <param name="workspace">Holds the maps.</param>
    /// <param name="images">Images in it.</param>
    /// <param name="first">The first shard.</param>
    /// <param name="end">The first shard that is left.</param>
    public abstract void Run(Workspace workspace, int images, int first, int end);

    /// <summary>Frees the weights.</summary>
    public virtual void Dispose()
    {
    }
}
