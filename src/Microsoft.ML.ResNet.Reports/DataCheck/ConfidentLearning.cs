namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>
/// Confident learning (Northcutt, Jiang, Chuang: "Confident Learning: Estimating Uncertainty in Dataset Labels", 2021): the probability
/// of a class counts in parts of what images with that label have of it on average, so that classes which are hard to learn are not
/// suspected for that. Where another class has much more of its part than the label has, the label is suspected. (The paper counts an
/// image only where the part reaches 1; that leaves out half of the wrong labels, and is not asked for here.)
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
    /// <param name="mostOfLabel">The most that the label's part may be of the suggested class's, for it to be suspected.</param>
    public static IReadOnlyList<Suspect> Find(float[] probabilities, int[] labels, int classes, double mostOfLabel)
    {
        var thresholds = Thresholds(probabilities, labels, classes);
        var suspects = new List<(double Ratio, Suspect Suspect)>();
        foreach (var (image, label) in labels.Index())
        {
            var of = probabilities.AsSpan(image * classes, classes);
            var best = -1;
            for (var other = 0; other < classes; other++)
                if (best < 0 || of[other] / thresholds[other] > of[best] / thresholds[best])
                    best = other;
            var ratio = of[label] / thresholds[label] / (of[best] / thresholds[best]);
            if (best != label && ratio <= mostOfLabel)
                suspects.Add((ratio, new(image, best, of[label], of[best])));
        }
        return [.. suspects.OrderBy(suspect => suspect.Ratio).ThenBy(suspect => suspect.Suspect.Image).Select(suspect => suspect.Suspect)];
    }
}
