using Microsoft.ML.ResNet.Reports.Report;

namespace Microsoft.ML.ResNet.Reports;

/// <summary>The figures of a report that was written. Immutable.</summary>
public sealed class ResNetReportSummary
{
    internal ResNetReportSummary(Measures measures, ScoredData data, string? batchProblem)
    {
        (ImageCount, Accuracy, LogLoss) = (measures.Images, measures.Accuracy, measures.LogLoss);
        (AccuracyLow, AccuracyHigh) = measures.AccuracyInterval;
        (MacroAccuracy, TrivialAccuracy) = (measures.MacroAccuracy, measures.TrivialAccuracy);
        CalibrationError = measures.Calibration.ExpectedError;
        (UnknownClassCount, UnreadableCount) = (data.UnknownClasses, data.Unreadable);
        BatchProblem = batchProblem;
    }

    /// <summary>Images that were measured.</summary>
    public int ImageCount { get; }

    /// <summary>The part of them that is classified right, from 0 to 1.</summary>
    public double Accuracy { get; }

    /// <summary>The lower end of the interval in which the accuracy lies with 95 % confidence (Wilson's score interval).</summary>
    public double AccuracyLow { get; }

    /// <summary>The upper end.</summary>
    public double AccuracyHigh { get; }

    /// <summary>The mean of the classes' recalls, from 0 to 1.</summary>
    public double MacroAccuracy { get; }

    /// <summary>The mean of the negative logarithm of the probability of the true class, in nats.</summary>
    public double LogLoss { get; }

    /// <summary>How far confidence and accuracy are apart on average, from 0 to 1, in 15 bins of equal width.</summary>
    public double CalibrationError { get; }

    /// <summary>How often a classifier would be right that always says the most frequent class, from 0 to 1.</summary>
    public double TrivialAccuracy { get; }

    /// <summary>Images of classes that the model does not know, which no figure counts.</summary>
    public long UnknownClassCount { get; }

    /// <summary>Images that cannot be read, which no figure counts.</summary>
    public long UnreadableCount { get; }

    /// <summary>
    /// Why the report shows no batch of <see cref="ResNetReportOptions.TrainingData"/>, in a sentence; <see langword="null"/> where it
    /// does, or nobody asked for one.
    /// </summary>
    public string? BatchProblem { get; }
}
