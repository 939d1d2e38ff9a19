using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// A network that is computed here, without libtorch: its normalisations are folded away, and an image passes through all layers while its
/// maps are in the cache. Thread-safe; callers compute on their own threads, and share out what is worth it. Several at once share less:
/// threads that each compute an image do not wait for one another.
/// </summary>
internal sealed unsafe class InferenceNetwork : IDisposable
{
    private const int MostImagesTogether = 8; // large weights come from memory, so several images pass by each time
    // bytes that stay in the last cache: each image then passes through all layers alone, while its maps are in the first two
    private const long FewWeights = 8 * 1024 * 1024;
    private const long MemoryTogether = 32 * 1024 * 1024; // of maps, in bytes
    private const long WorthSharing = 10_000_000; // multiply-adds: some 0.1 ms; to wake a thread takes some hundredths
    private const int ShardsPerThread = 2; // of a layer: more would even out better, and cost more turns

    private static int _callers; // of all networks, at this moment

    private readonly PixelInput _input;
    private readonly IReadOnlyList<FeatureMap> _outputs; // of the plan's steps: the images, and one for each layer
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
        (_input, _layers) = (new PixelInput(normalization.Tabulate(), built.Input), built.Layers);
        (Plan, _outputs) = (plan, [.. plan.Steps.Select(step => built[step])]);
        (_imageSize, _threads, _multiplyAdds) = (plan.Image.Size, threads, plan.MultiplyAdds);
        _imagesTogether = plan.State.Sum(entry => entry.Length * sizeof(float)) <= FewWeights
            ? 1
            : (int)Math.Clamp(MemoryTogether / (sizeof(float) * built.Maps.Sum(map => map.Layout.ImageStride)), 1, MostImagesTogether);
        Workspaces = new WorkspacePool(built.Maps, Math.Max(threads, Environment.ProcessorCount));
        Pack(built.ToPack, threads);
    }

    /// <summary>The network; its steps are what can be asked for.</summary>
    public NetworkPlan Plan { get; }

    /// <summary>The memory that batches flow through.</summary>
    public WorkspacePool Workspaces { get; }

    /// <summary>Whether the maps of a network are small enough to be computed here.</summary>
    public static bool Fits(NetworkPlan plan)
        => plan.Steps.Select(step => step.Output)
            // 6: the widest border, on both sides
            .All(shape => (shape.Channels + MapLayout.FullBlock - 1.0) * (shape.Height + 6.0) * (shape.Width + 6.0)
                <= ConvolutionShape.LargestMap);

    /// <summary>Computes what a step makes of some images; no layer behind it is computed.</summary>
    /// <param name="pixels">The images, planar, one after the other.</param>
    /// <param name="count">How many there are; at least 1.</param>
    /// <param name="output">A step of the plan.</param>
    /// <param name="values">
    /// Receives its output for one image after the other, each in the order height x width x channels.
    /// </param>
    /// <exception cref="OutOfMemoryException">There is not enough memory; the network can go on.</exception>
    public void Run(ReadOnlyMemory<byte> pixels, int count, PlanStep output, Memory<float> values)
    {
        using var source = pixels.Pin();
        using var target = values.Pin();
        Run((byte*)source.Pointer, count, output, (float*)target.Pointer);
    }

    /// <summary>The same for memory that stays where it is.</summary>
    public void Run(byte* pixels, int count, PlanStep output, float* values)
    {
        try
        {
            Run(pixels, count, output, values, Math.Max(1, _threads / Interlocked.Increment(ref _callers)));
        }
        finally
        {
            Interlocked.Decrement(ref _callers);
        }
    }

    /// <summary>Frees weights and workspaces. No batch may be in flight.</summary>
    public void Dispose()
    {
        Workspaces.Dispose();
        foreach (var layer in _layers)
            layer.Dispose();
    }

    // Every thread begins with large layers, so that the last at work have little left.
    private static void Pack(IEnumerable<(ConvolutionLayer Layer, FoldedConvolution Weights)> layers, int threads)
    {
        var pieces = layers.OrderByDescending(entry => entry.Weights.Unscaled.Length)
            .SelectMany(entry => Enumerable.Range(0, entry.Layer.Pieces).Select(piece => (entry.Layer, entry.Weights, Index: piece)))
            .Index().OrderBy(entry => entry.Index % threads).Select(entry => entry.Item) // each has a range of its own
            .ToArray();
        WorkerTeam.Scoring.Run([pieces.Length], threads, (_, i, _) => pieces[i].Layer.Pack(pieces[i].Weights, pieces[i].Index));
    }

    private void Run(byte* pixels, int count, PlanStep output, float* values, int threads)
    {
        var layers = LayersTo(output);
        var imageToEachThread = count >= threads;
        var size = Math.Min(_imagesTogether, imageToEachThread ? count / threads : count);
        var chunks = (count + size - 1) / size;
        if (imageToEachThread && threads > 1)
            WorkerTeam.Scoring.Run([chunks], threads, (_, chunk, _) => RunChunk(chunk, sharedBy: 1));
        else
            for (var chunk = 0; chunk < chunks; chunk++)
                RunChunk(chunk, count * _multiplyAdds < WorthSharing ? 1 : threads);

        void RunChunk(int chunk, int sharedBy)
        {
            var (first, images) = ((nint)chunk * size, Math.Min(size, count - chunk * size));
            RunTogether(new(pixels + first * _imageSize, images * _imageSize), images, layers, values + first * output.Output.Size,
                sharedBy);
        }
    }

    private int LayersTo(PlanStep output)
    {
        for (var step = 0; step < Plan.Steps.Count; step++)
            if (Plan.Steps[step] == output)
                return step;
        throw new ArgumentException($"'{output.Name}' is no step of this network's plan.", nameof(output));
    }

    private void RunTogether(ReadOnlySpan<byte> pixels, int images, int layers, float* values, int threads)
    {
        var workspace = Workspaces.Rent(images);
        try
        {
            _input.Run(pixels, workspace);
            if (threads > 1)
                RunShared(workspace, images, layers, threads);
            else
                for (var layer = 0; layer < layers; layer++)
                    _layers[layer].Run(workspace, images, 0, _layers[layer].Shards(images));
            var output = _outputs[layers];
            for (var image = 0; image < images; image++)
                output.Layout.Unpack(workspace[output] + image * output.Layout.ImageStride,
                    values + (nint)image * output.Layout.Shape.Size);
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
    private void RunShared(Workspace workspace, int images, int layers, int threads)
    {
        var shards = new int[layers];
        for (var layer = 0; layer < shards.Length; layer++)
            shards[layer] = Math.Min(_layers[layer].Shards(images), threads * ShardsPerThread);
        WorkerTeam.Scoring.Run(shards, threads, (layer, shard, _) =>
        {
            var all = _layers[layer].Shards(images);
            _layers[layer].Run(workspace, images, (int)((long)all * shard / shards[layer]),
                (int)((long)all * (shard + 1) / shards[layer]));
        });
    }
}
