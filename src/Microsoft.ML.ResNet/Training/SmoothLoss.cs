namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// A loss without the noise of batches: its exponentially weighted mean, divided by the weights so far so that it is no nearer to 0 in the
/// beginning (as Adam's moments, Kingma, Ba 2014, arXiv:1412.6980, section 3).
/// </summary>
internal sealed class SmoothLoss
{
    private const double Kept = 0.9; // of the mean by a step: it looks back on some ten batches

    private double _mean, _weight;

    /// <summary>Takes the next loss in, and tells the mean.</summary>
    public double Add(double loss)
    {
        _mean = Kept * _mean + (1 - Kept) * loss;
        _weight = Kept * _weight + (1 - Kept);
        return _mean / _weight;
    }
}
