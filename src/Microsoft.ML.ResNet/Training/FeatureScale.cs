using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// Mean and deviation of every feature over the training images, for a classifier that learns on standardised features:
/// <c>W (x - mean) / deviation + b</c> is <c>W' x + b'</c> with <c>W' = W / deviation</c> and <c>b' = b - W' mean</c>, so the network that
/// is left has no layer more.
/// </summary>
internal sealed class FeatureScale : IDisposable
{
    private const double LeastVariance = 1e-5; // of the mean variance: a feature that never occurs gets no weight worth mentioning

    private readonly Tensor _mean, _deviation; // float32, (1, feature width)

    private FeatureScale(Tensor mean, Tensor deviation) => (_mean, _deviation) = (mean, deviation);

    /// <summary>Measures, in 64 bits.</summary>
    /// <param name="images">The training images, not augmented, as features.</param>
    /// <param name="imagesAtATime">Images that are computed together; at least 1.</param>
    /// <param name="checkAlive">Called before every batch; it throws to stop.</param>
    public static FeatureScale Measure(LayerInput images, int imagesAtATime, Action checkAlive)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        Tensor? sum = null, squares = null;
        for (var first = 0; first < images.Rows.Count; first += imagesAtATime)
        {
            checkAlive();
            using var batchScope = NewDisposeScope();
            var pixels = images.Rows.PixelsOf(first, Math.Min(imagesAtATime, images.Rows.Count - first));
            var features = images.Of(pixels).to_type(ScalarType.Float64);
            var (batchSum, batchSquares) = (features.sum(0, keepdim: true), features.square().sum(0, keepdim: true));
            sum?.add_(batchSum);
            squares?.add_(batchSquares);
            sum ??= batchSum.MoveToOuterDisposeScope();
            squares ??= batchSquares.MoveToOuterDisposeScope();
        }
        var mean = sum! / images.Rows.Count;
        var variance = (squares! / images.Rows.Count - mean.square()).clamp_min(0);
        var least = variance.mean() * LeastVariance;
        var deviation = where(variance.sum() > 0, (variance + least).sqrt(), ones_like(variance));
        return new FeatureScale(mean.to_type(ScalarType.Float32).DetachFromDisposeScope(),
            deviation.to_type(ScalarType.Float32).DetachFromDisposeScope());
    }

    /// <summary>Standardises features.</summary>
    /// <param name="features">float32, (N, feature width); it stays the caller's.</param>
    /// <returns>A tensor of the same shape; the caller owns it.</returns>
    public Tensor Apply(Tensor features)
    {
        using var scope = NewDisposeScope();
        return ((features - _mean) / _deviation).MoveToOuterDisposeScope();
    }

    /// <summary>Does something while a classifier for standardised features is one for features as they are.</summary>
    public T Unstandardized<T>(Linear head, Func<T> work)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var (weight, bias) = (head.weight.clone(), head.bias.clone());
        head.weight.div_(_deviation);
        head.bias.sub_(OneThread.Run(() => head.weight.mv(_mean.squeeze(0))));
        var result = work();
        head.weight.copy_(weight);
        head.bias.copy_(bias);
        return result;
    }

    /// <summary>Frees both.</summary>
    public void Dispose()
    {
        _mean.Dispose();
        _deviation.Dispose();
    }
}
