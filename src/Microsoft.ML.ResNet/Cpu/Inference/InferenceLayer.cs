namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// One step of a network: reads maps, writes another. Its work is cut into pieces that may be done in any order, at the same time.
/// </summary>
/// <remarks>
/// What loops over pixels is compiled with all optimisations at once: a service that has just started should not wait for the runtime to
/// notice.
/// </remarks>
internal abstract class InferenceLayer
{
    /// <summary>How many pieces the work on some images has.</summary>
    public abstract int Pieces(int images);

    /// <summary>Does some of the pieces.</summary>
    /// <param name="workspace">Holds the maps.</param>
    /// <param name="images">Images in it.</param>
    /// <param name="first">The first piece.</param>
    /// <param name="end">The first piece that is left.</param>
    public abstract void Run(Workspace workspace, int images, int first, int end);
}
