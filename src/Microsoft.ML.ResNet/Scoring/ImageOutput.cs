namespace Microsoft.ML.ResNet.Scoring;

/// <summary>What a view computes of every image.</summary>
/// <param name="Width">How many numbers.</param>
/// <param name="Compute">Computes those of a batch: pixels, how many images, and where their numbers go, one image after the other.</param>
/// <param name="OfNone">What it says of images that cannot be read, as the end of a sentence.</param>
internal sealed record ImageOutput(int Width, Action<ReadOnlyMemory<byte>, int, Memory<float>> Compute, string OfNone)
{
    /// <summary>Class probabilities.</summary>
    public static ImageOutput Scores(BatchScorer scorer)
        => new(scorer.Classes, scorer.Score, "their scores are NaN, and their predicted label is missing");

    /// <summary>What the classifier reads.</summary>
    public static ImageOutput Features(BatchScorer scorer) => new(scorer.FeatureWidth, scorer.Featurize, "their features are NaN");
}
