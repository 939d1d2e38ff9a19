using BenchmarkDotNet.Attributes;
using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Benchmarks.Pieces;

/// <summary>What happens to a batch of 128 images of 32x32 before the network sees it, and what is counted after.</summary>
public class BatchPieces
{
    private static readonly Normalization Normalization = new([0.5f, 0.5f, 0.5f], [0.29f, 0.29f, 0.29f]);

    private readonly long[] _rows = [.. Enumerable.Range(0, 128).Select(row => (long)row * 7)];
    private PixelStore _store = null!;
    private Tensor _pixels = null!;
    private Tensor _logits = null!;
    private Tensor _loss = null!;
    private Tensor _labels = null!;

    [GlobalSetup]
    public void SetUp()
    {
        using var builder = new PixelStoreBuilder(new ImageShape(3, 32, 32));
        foreach (var row in Image.Rows(1024))
        {
            row.Features.CopyTo(builder.NextImage);
            builder.Add((int)row.Label);
        }
        _store = builder.Build();
        _pixels = _store.PixelsOf(0, 128);
        (_logits, _loss, _labels) = (randn(128, 10), tensor(2.3f), arange(128) % 10);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        foreach (var disposable in new IDisposable[] { _store, _pixels, _logits, _loss, _labels })
            disposable.Dispose();
    }

    [Benchmark]
    public void Take()
    {
        using var scope = NewDisposeScope();
        _store.Take(_rows);
    }

    [Benchmark]
    public void Crop() => Apply(new RandomCrop(4));

    [Benchmark]
    public void Flip() => Apply(new HorizontalFlip());

    [Benchmark]
    public void Cutout() => Apply(new Cutout(8));

    [Benchmark]
    public void Jitter() => Apply(new ColorJitter { Brightness = 0.4, Contrast = 0.4, Saturation = 0.4 });

    [Benchmark]
    public void Normalize()
    {
        using var scope = NewDisposeScope();
        Normalization.Apply(_pixels);
    }

    [Benchmark]
    public void RunningLossAndAccuracy()
    {
        using var mean = new RunningMean();
        mean.Add(_logits, _loss, _labels);
    }

    private void Apply(ImageAugmentation augmentation)
    {
        using var scope = NewDisposeScope();
        augmentation.Apply(_pixels, new AugmentationContext(1, 0, _rows, Normalization, new Random(1)));
    }
}
