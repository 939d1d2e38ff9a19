using Microsoft.ML.ResNet.Foundation;

namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>
/// Probabilities of images from learners that have not seen them: the images are dealt into folds, class by class, and each fold is judged
/// by a learner of the others.
/// </summary>
internal static class OutOfFold
{
    /// <summary>Computes them.</summary>
    /// <param name="features">One row of numbers for each image.</param>
    /// <param name="width">Numbers of a row.</param>
    /// <param name="labels">The class of each image.</param>
    /// <param name="classes">Classes.</param>
    /// <param name="options">Folds, penalty and seed.</param>
    /// <param name="progress">Is told how many folds are done.</param>
    /// <param name="cancellation">Stops before the next step.</param>
    /// <returns>For each image the probability of each class.</returns>
    public static float[] Probabilities(float[] features, int width, int[] labels, int classes, DataCheckOptions options,
        Action<int>? progress, CancellationToken cancellation)
    {
        var folds = Deal(labels, options.Folds, options.Seed);
        var probabilities = new float[labels.Length * classes];
        var done = 0;
        Parallel.For(0, options.Folds, new ParallelOptions
        {
            CancellationToken = cancellation,
            MaxDegreeOfParallelism = Environment.ProcessorCount,
        }, fold =>
        {
            var learner = new LogisticRegression(features, width, classes);
            learner.Fit([.. Enumerable.Range(0, labels.Length).Where(image => folds[image] != fold)], labels, options.Penalty,
                cancellation);
            for (var image = 0; image < labels.Length; image++)
                if (folds[image] == fold)
                    learner.Predict(image, probabilities.AsSpan(image * classes, classes));
            progress?.Invoke(Interlocked.Increment(ref done));
        });
        return probabilities;
    }

    /// <summary>The fold of each image; each class is spread evenly.</summary>
    private static int[] Deal(int[] labels, int folds, int seed)
    {
        var fold = new int[labels.Length];
        foreach (var label in labels.Index().GroupBy(image => image.Item, image => image.Index).OrderBy(label => label.Key))
        {
            var images = label.ToArray();
            new Random(Seeds.Derive(seed, label.Key)).Shuffle(images);
            foreach (var (place, image) in images.Index())
                fold[image] = (place + label.Key) % folds;
        }
        return fold;
    }
}
