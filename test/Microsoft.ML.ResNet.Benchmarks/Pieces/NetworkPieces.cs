using BenchmarkDotNet.Attributes;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Benchmarks.Pieces;

/// <summary>
/// Batch normalisation as the network uses it, on a batch of 128 in channels-last memory; TorchSharp's own as the baseline.
/// </summary>
public class BatchNormPieces
{
    private BatchNorm _ours = null!;
    private TorchSharp.Modules.BatchNorm2d _theirs = null!;
    private Tensor _images = null!;
    private Tensor _gradient = null!;

    /// <summary>Channels; the images are 32, 16 or 8 pixels wide, as in cifar-20.</summary>
    [Params(16, 32, 64)]
    public int Channels { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var side = 512 / Channels;
        _ours = new BatchNorm(Channels);
        _theirs = nn.BatchNorm2d(Channels);
        using var images = randn(128, Channels, side, side);
        _images = images.ToChannelsLast().requires_grad_();
        _gradient = _images.detach().clone();
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _ours.Dispose();
        _theirs.Dispose();
        _images.Dispose();
        _gradient.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void TorchSharpTrain() => Train(_theirs);

    [Benchmark]
    public void Train() => Train(_ours);

    [Benchmark]
    public void TorchSharpForward() => Forward(_theirs);

    [Benchmark]
    public void Forward() => Forward(_ours);

    private void Train(nn.Module<Tensor, Tensor> module)
    {
        using var scope = NewDisposeScope();
        module.train();
        module.forward(_images).backward([_gradient]);
    }

    private void Forward(nn.Module<Tensor, Tensor> module)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        module.eval();
        module.forward(_images);
    }
}
