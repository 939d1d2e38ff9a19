using System.Collections.Concurrent;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// A network that is computed here, without libtorch: its normalisations are folded away, and an image passes through all layers while its
/// maps are in the cache. Thread-safe; callers compute on their own threads, and share out what is worth it.
/// </summary>
internal sealed unsafe class InferenceNetwork
{
    private const int MostImagesTogether = 8; // large weights come from memory, so several images pass by each time
    // bytes that stay in the last cache: each image then passes through all layers alone, while its maps are in the first two
    private const long FewWeights = 8 * 1024 * 1024;
    private const long MemoryTogether = 32 * 1024 * 1024; // of maps, in bytes
    private const long LargestMap = 1 << 28; // floats of one image: places in it must fit an int
    private const long WorthSharing = 10_000_000; // multiply-adds: some 0.1 ms; to wake a thread takes some hundredths

    private readonly PixelInput _input;
    private readonly FeatureMap _output;
    private readonly IReadOnlyList<FeatureMap> _maps;
    private readonly IReadOnlyList<InferenceLayer> _layers;
    private readonly int _imageSize, _imagesTogether, _threads;
    private readonly long _multiplyAdds; // for one image
    private readonly ConcurrentBag<Workspace> _workspaces = [];

    /// <param name="plan">The network.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="normalization">How pixels become its input.</param>
    /// <param name="kernel">Computes tiles.</param>
    /// <param name="threads">Threads that a batch is shared among; at least 1.</param>
    public InferenceNetwork(NetworkPlan plan, FoldedWeights weights, Normalization normalization, TileKernel kernel, int threads)
    {
        var built = new InferenceNetworkBuilder(plan, weights, kernel);
        (_input, _output, _maps, _layers) = (new PixelInput(normalization, built.Input), built.Output, built.Maps, built.Layers);
        (_imageSize, _threads, _multiplyAdds) = (plan.Image.Size, threads, plan.MultiplyAdds);
        _imagesTogether = plan.State.Sum(entry => entry.Length * sizeof(float)) <= FewWeights
            ? 1
            : (int)Math.Clamp(MemoryTogether / (sizeof(float) * _maps.Sum(map => (long)map.Layout.ImageStride)), 1, MostImagesTogether);
    }

    /// <summary>Whether the maps of a network are small enough to be computed here: 1 GiB for one image.</summary>
    public static bool Fits(NetworkPlan plan)
        => plan.Steps.Select(step => step.Output)
            // 6: the widest border, on both sides
            .All(shape => (shape.Channels + MapLayout.FullBlock - 1L) * (shape.Height + 6L) * (shape.Width + 6L) <= LargestMap);

    /// <summary>Computes the logits of some images.</summary>
    /// <param name="pixels">The images, planar, one after the other.</param>
    /// <param name="count">How many there are; at least 1.</param>
    /// <param name="logits">Receives those of one image after the other.</param>
    public void Run(ReadOnlyMemory<byte> pixels, int count, Memory<float> logits)
    {
        var imageToEachThread = count >= _threads;
        var size = Math.Min(_imagesTogether, imageToEachThread ? count / _threads : count);
        var (chunks, classes) = ((count + size - 1) / size, _output.Layout.Shape.Channels);
        if (imageToEachThread && _threads > 1)
            Parallel.For(0, chunks, new ParallelOptions { MaxDegreeOfParallelism = _threads }, chunk => RunChunk(chunk, threads: 1));
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

    private void RunTogether(ReadOnlySpan<byte> pixels, int images, Span<float> logits, int threads)
    {
        if (!_workspaces.TryTake(out var workspace) || workspace.Images < images)
            workspace = new Workspace(_maps, images);
        _input.Run(pixels, workspace);
        if (threads > 1)
            LayerTeam.Run(_layers, workspace, images, threads);
        else
            foreach (var layer in _layers)
                layer.Run(workspace, images, 0, layer.Pieces(images));
        var classes = _output.Layout.Shape.Channels;
        for (var image = 0; image < images; image++)
            new Span<float>(workspace[_output] + image * _output.Layout.ImageStride, classes)
                .CopyTo(logits.Slice(image * classes, classes));
        _workspaces.Add(workspace);
    }
}
