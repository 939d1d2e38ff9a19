namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// Threads that pass one batch through a network together, layer by layer: for batches with fewer images than there are threads. The
/// calling thread waits for nobody to arrive. Who comes takes pieces of the layer that is being computed; who comes too late finds nothing
/// left and goes.
/// </summary>
internal sealed class LayerTeam : IThreadPoolWorkItem
{
    private const int SharesPerThread = 2; // more would even out better, and cost more turns

    private readonly IReadOnlyList<InferenceLayer> _layers;
    private readonly Workspace _workspace;
    private readonly int _images, _threads;
    private readonly int[] _taken, _done; // shares of each layer

    private LayerTeam(IReadOnlyList<InferenceLayer> layers, Workspace workspace, int images, int threads)
    {
        (_layers, _workspace, _images, _threads) = (layers, workspace, images, threads);
        (_taken, _done) = (new int[layers.Count], new int[layers.Count]);
    }

    /// <summary>Computes all layers.</summary>
    /// <param name="layers">The layers, in order.</param>
    /// <param name="workspace">Holds the input, and receives the output.</param>
    /// <param name="images">Images in it.</param>
    /// <param name="threads">Threads that take part, at most; the calling one is among them.</param>
    public static void Run(IReadOnlyList<InferenceLayer> layers, Workspace workspace, int images, int threads)
    {
        var team = new LayerTeam(layers, workspace, images, threads);
        for (var helper = 1; helper < threads; helper++)
            ThreadPool.UnsafeQueueUserWorkItem(team, preferLocal: false);
        team.TakePart();
    }

    void IThreadPoolWorkItem.Execute() => TakePart();

    private void TakePart()
    {
        for (var layer = 0; layer < _layers.Count; layer++)
            TakePart(layer);
    }

    private void TakePart(int layer)
    {
        var pieces = _layers[layer].Pieces(_images);
        var shares = Math.Min(pieces, _threads * SharesPerThread);
        for (int share; (share = Interlocked.Increment(ref _taken[layer]) - 1) < shares;)
        {
            _layers[layer].Run(_workspace, _images, Bound(share), Bound(share + 1));
            Interlocked.Increment(ref _done[layer]);
        }
        var wait = default(SpinWait);
        while (Volatile.Read(ref _done[layer]) < shares)
            wait.SpinOnce(sleep1Threshold: -1); // some microseconds: others are at work on the rest

        int Bound(int share) => (int)((long)pieces * share / shares);
    }
}
