namespace Microsoft.ML.ResNet.Reports.Report;

/// <summary>Predictions of about one confidence.</summary>
/// <param name="From">Above this confidence,</param>
/// <param name="To">up to this.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Confidence">Their mean confidence; 0 where there are none.</param>
/// <param name="Accuracy">The part of them that is right; 0 where there are none.</param>
internal sealed record CalibrationBin(double From, double To, long Count, double Confidence, double Accuracy);

/// <summary>
/// Whether a model is right as often as it says: predictions in bins of equal width by the probability of their class (Guo et al. 2017,
/// arXiv:1706.04599).
/// </summary>
/// <param name="Bins">The bins, from 0 to 1.</param>
/// <param name="ExpectedError">
/// The expected calibration error: how far confidence and accuracy of the bins are apart, on average over the predictions.
/// </param>
internal sealed record Calibration(IReadOnlyList<CalibrationBin> Bins, double ExpectedError)
{
    /// <summary>Bins, as in the paper.</summary>
    public const int UsualBins = 15;

    /// <summary>Measures the calibration of predictions.</summary>
    public static Calibration Of(IReadOnlyCollection<Outcome> outcomes, int bins = UsualBins)
    {
        var (count, right, confidence) = (new long[bins], new long[bins], new double[bins]);
        foreach (var outcome in outcomes)
        {
            var bin = Math.Clamp((int)Math.Ceiling((double)outcome.Confidence * bins) - 1, 0, bins - 1);
            count[bin]++;
            right[bin] += outcome.IsRight ? 1 : 0;
            confidence[bin] += outcome.Confidence;
        }
        CalibrationBin[] all = [.. Enumerable.Range(0, bins).Select(bin => new CalibrationBin((double)bin / bins, (bin + 1.0) / bins,
            count[bin], confidence[bin] / Math.Max(1, count[bin]), (double)right[bin] / Math.Max(1, count[bin])))];
        return new(all, all.Sum(bin => bin.Count * Math.Abs(bin.Accuracy - bin.Confidence)) / Math.Max(1, outcomes.Count));
    }
}
