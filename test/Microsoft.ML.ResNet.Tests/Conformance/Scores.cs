namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>What a model says about one row.</summary>
internal sealed class ScoredRow
{
    /// <summary>The key of the predicted class, from 1; 0 is missing.</summary>
    public uint PredictedLabel { get; set; }

    /// <summary>The probability of each class.</summary>
    public float[] Score { get; set; } = [];
}

/// <summary>Reads and compares what models say.</summary>
internal static class Scores
{
    /// <summary>The scores of a view that a model transformed.</summary>
    public static List<ScoredRow> Read(MLContext ml, IDataView scored)
        => [.. ml.Data.CreateEnumerable<ScoredRow>(scored, reuseRowObject: false, ignoreMissingColumns: true)];

    /// <summary>Fails unless both lists say the same; probabilities may differ by <paramref name="tolerance"/>, NaN equals NaN.</summary>
    public static void AssertSame(IReadOnlyList<ScoredRow> expected, IReadOnlyList<ScoredRow> actual, string what, float tolerance = 1e-6f)
    {
        Assert.HasCount(expected.Count, actual, what);
        for (var row = 0; row < expected.Count; row++)
        {
            Assert.AreEqual(expected[row].PredictedLabel, actual[row].PredictedLabel, $"{what}: predicted label of row {row}");
            for (var slot = 0; slot < expected[row].Score.Length; slot++)
                Assert.AreEqual(expected[row].Score[slot], actual[row].Score[slot], tolerance, $"{what}: score {slot} of row {row}");
        }
    }

    /// <summary>The part of the rows whose predicted label is the label.</summary>
    public static double Accuracy(MLContext ml, IDataView scored) => ml.MulticlassClassification.Evaluate(scored).MicroAccuracy;
}
