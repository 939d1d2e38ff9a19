namespace Microsoft.ML.ResNet.Reports.Report;

/// <summary>What a model says of a picture, and what is true.</summary>
/// <param name="Row">The picture's row in the data, from 0.</param>
/// <param name="Label">The index of the true class.</param>
/// <param name="Predicted">The index of the class of the highest probability.</param>
/// <param name="Confidence">That probability.</param>
/// <param name="LabelProbability">The probability of the true class.</param>
/// <param name="Rank">How many classes are likelier than the true one: 0 where the model is right.</param>
internal readonly record struct Outcome(long Row, int Label, int Predicted, float Confidence, float LabelProbability, int Rank)
{
    /// <summary>Whether the model is right.</summary>
    public bool IsRight => Label == Predicted;

    /// <summary>Judges the scores of a picture.</summary>
    /// <param name="row">Its row.</param>
    /// <param name="label">The index of its class.</param>
    /// <param name="scores">The probability of each class.</param>
    public static Outcome Of(long row, int label, ReadOnlySpan<float> scores)
    {
        var (predicted, rank) = (0, 0);
        for (var index = 0; index < scores.Length; index++)
        {
            if (scores[index] > scores[predicted])
                predicted = index;
            if (scores[index] > scores[label])
                rank++;
        }
        return new(row, label, predicted, scores[predicted], scores[label], rank);
    }
}
