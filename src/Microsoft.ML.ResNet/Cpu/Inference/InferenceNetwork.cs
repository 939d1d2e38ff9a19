using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// A network that is computed here, without libtorch: its normalisations are folded away, and an image passes through all layers while its
/// maps are in the cache. Thread-safe; callers compute on their own threads, and share out what is worth it.
/// </summary>
internal sealed unsafe class InferenceNetwork : IDisposable
{
    private const int MostImagesTogether = 8; // large weights come from memory, so several images pass by each time
    // bytes that stay in the last cache: each image then passes through all layers alone, while its maps are in the first two
    private const long FewWeights = 8 * 1024 * 1024;
    private const long MemoryTogether = 32 * 1024 * 1024; // of maps, in bytes
    private const long WorthSharing = 10_000_000; // multiply-adds: some 0.1 ms; to wake a thread takes some hundredths
    private const int ShardsPerThread = 2; // of a layer: more would even out better, and cost more turns

    private readonly PixelInput _input;
    private readonly FeatureMap _output;
    private readonly IReadOnlyList<InferenceLayer> _layers;
    private readonly int _imageSize, _imagesTogether, _threads;
    private readonly long _multiplyAdds; // for one image

    /// <param name="plan">The network.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="normalization">How pixels become its input.</param>
    /// <param name="kernel">Computes tiles.</param>
    /// <param name="threads">Threads that a batch is shared among; at least 1.</param>
    public InferenceNetwork(NetworkPlan plan, FoldedWeights weights, Normalization normalization, TileKernel kernel, int threads)
    {
        var built = new InferenceNetworkBuilder(plan, weights, kernel);
        (_input, _output, _layers) = (new PixelInput(normalization.Tabulate(), built.Input), built.Output, built.Layers);
        (_imageSize, _threads, _multiplyAdds) = (plan.Image.Size, threads, plan.MultiplyAdds);
        _imagesTogether = plan.State.Sum(entry => entry.Length * sizeof(float)) <= FewWeights
            ? 1
            : (int)Math.Clamp(MemoryTogether / (sizeof(float) * built.Maps.Sum(map => map.Layout.ImageStride)), 1, MostImagesTogether);
        Workspaces = new WorkspacePool(built.Maps, Math.Max(threads, Environment.ProcessorCount));
    }

    /// <summary>The memory that batches flow through.</summary>
    public WorkspacePool Workspaces { get; }

    /// <summary>Whether the maps of a network are small enough to be computed here.</summary>
    public static bool Fits(NetworkPlan plan)
        => plan.Steps.Select(step => step.Output)
            // 6: the widest border, on both sides
            .All(shape => (shape.Channels + MapLayout.FullBlock - 1.0) * (shape.Height + 6.0) * (shape.Width + 6.0)
                <= ConvolutionShape.LargestMap);

    /// <summary>Computes the logits of some images.</summary>
    /// <param name="pixels">The images, planar, one after the other.</param>
    /// <param name="count">How many there are; at least 1.</param>
    /// <param name="logits">Receives those of one image after the other.</param>
    /// <exception cref="OutOfMemoryException">There is not enough memory; the network can go on.</exception>
    public void Run(ReadOnlyMemory<byte> pixels, int count, Memory<float> logits)
    {
        var imageToEachThread = count >= _threads;
        var size = Math.Min(_imagesTogether, imageToEachThread ? count / _threads : count);
        var (chunks, classes) = ((count + size - 1) / size, _output.Layout.Shape.Channels);
        if (imageToEachThread && _threads > 1)
            WorkerTeam.Scoring.Run([chunks], _threads, (_, chunk, _) => RunChunk(chunk, threads: 1));
        else
            for (var chunk = 0; chunk < chunks; chunk++)
                RunChunk(chunk, count * _multiplyAdds < WorthSharing ? 1 : _threads);

        void RunChunk(int chunk, int threads)
        {
            var (first, images) = (chunk * size, Math.Min(size, count - chunk * size));
            RunTogether(pixels.Span.Slice(first * _imageSize, images * _imageSize), images,
                logits.Span.Slice(first * classes, images * classes), threads);
        }
    }

    /// <summary>Frees weights and workspaces. No batch may be in flight.</summary>
    public void Dispose()
    {
        Workspaces.Dispose();
        foreach (var layer in _layers)
            layer.Dispose();
    }

    private void RunTogether(ReadOnlySpan<byte> pixels, int images, Span<float> logits, int threads)
    {
        var workspace = Workspaces.Rent(images);
        try
        {
            _input.Run(pixels, workspace);
            if (threads > 1)
                RunShared(workspace, images, threads);
            else
                foreach (var layer in _layers)
                    layer.Run(workspace, images, 0, layer.Shards(images));
            var classes = _output.Layout.Shape.Channels;
            for (var image = 0; image < images; image++)
                new Span<float>(workspace[_output] + image * _output.Layout.ImageStride, classes)
                    .CopyTo(logits.Slice(image * classes, classes));
        }
        catch
        {
            workspace.Dispose();
            throw;
        }
        Workspaces.Return(workspace);
        GC.KeepAlive(this);
    }

    // Layer by layer, all threads together: for batches with fewer images than there are threads.
    private void RunShared(Workspace workspace, int images, int threads)
    {
        var layers = _layers;
        var shards = new int[layers.Count];
        for (var layer = 0; layer < shards.Length; layer++)
            shards[layer] = Math.Min(layers[layer].Shards(images), threads * ShardsPerThread);
        WorkerTeam.Scoring.Run(shards, threads, (layer, shard, _) =>
        {
            var all = layers[layer].Shards(images);
            layers[layer].Run(workspace, images, (int)((long)all * shard / shards[layer]), (int)((long)all * (shard + 1) / shards[layer]));
        });
    }
}
