namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>
/// Confident learning (Northcutt, Jiang, Chuang: "Confident Learning: Estimating Uncertainty in Dataset Labels", 2021): an image counts as
/// of a class when that class's probability reaches what images with that label have on average; where that class is not its label, the
/// label is suspected.
/// </summary>
internal static class ConfidentLearning
{
    /// <summary>A label that looks wrong.</summary>
    /// <param name="Image">Which.</param>
    /// <param name="Suggested">The class that it looks like.</param>
    /// <param name="Given">The probability of its label.</param>
    /// <param name="Other">The probability of the suggested class.</param>
    public readonly record struct Suspect(int Image, int Suggested, float Given, float Other);

    /// <summary>The mean probability that images of each class have of their own label; above 1 for a class without images.</summary>
    public static double[] Thresholds(float[] probabilities, int[] labels, int classes)
    {
        var (sums, counts) = (new double[classes], new int[classes]);
        foreach (var (image, label) in labels.Index())
        {
            sums[label] += probabilities[image * classes + label];
            counts[label]++;
        }
        return [.. sums.Zip(counts, (sum, count) => count == 0 ? double.PositiveInfinity : sum / count)];
    }

    /// <summary>Finds them, the surest first: by how little of the probability their label has.</summary>
    /// <param name="probabilities">For each image the probability of each class, from learners that have not seen it.</param>
    /// <param name="labels">The labels.</param>
    /// <param name="classes">Classes.</param>
    /// <param name="mostOfLabel">The most that the label's probability may be of the suggested class's, for it to be suspected.</param>
    public static IReadOnlyList<Suspect> Find(float[] probabilities, int[] labels, int classes, double mostOfLabel)
    {
        var thresholds = Thresholds(probabilities, labels, classes);
        var suspects = new List<Suspect>();
        foreach (var (image, label) in labels.Index())
        {
            var of = probabilities.AsSpan(image * classes, classes);
            var best = -1;
            for (var other = 0; other < classes; other++)
                if (of[other] >= thresholds[other] && (best < 0 || of[other] > of[best]))
                    best = other;
            if (best >= 0 && best != label && of[label] <= mostOfLabel * of[best])
                suspects.Add(new(image, best, of[label], of[best]));
        }
        return [.. suspects.OrderBy(suspect => suspect.Given / suspect.Other).ThenBy(suspect => suspect.Image)];
    }
}
