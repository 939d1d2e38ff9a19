using System.Numerics.Tensors;

namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>What a network's features tell: labels that look wrong, and images unlike all others.</summary>
internal sealed class FeatureFindings
{
    private const int NearestCount = 10;
    private const int LeastImages = 20; // among fewer, neither a learner nor a median means anything

    private readonly int[] _rows; // the images that could be read for features, too
    private readonly CheckedImage[] _images; // these images
    private readonly bool[] _shows;
    private readonly DataCheckOptions _options;
    private readonly CancellationToken _cancellation;
    private readonly float[] _features;
    private readonly int _width;

    public FeatureFindings(ResNetTransformer network, CheckedImage[] images, bool[] shows, DataCheckOptions options,
        CancellationToken cancellation)
    {
        (_options, _cancellation) = (options, cancellation);
        (_features, _width) = ImageFeatures.Of(network, images, Progress("features", images.Length), cancellation);
        _rows = [.. Enumerable.Range(0, images.Length).Where(IsKnown)];
        (_images, _shows) = ([.. _rows.Select(row => images[row])], [.. _rows.Select(row => shows[row])]);
        for (var row = 0; row < images.Length; row++)
            if (!IsKnown(row))
                _features.AsSpan(row * _width, _width).Clear(); // near to nothing
        var unit = Neighbours.Unit([.. _features], _width);
        Neighbours = Neighbours.Find(unit, unit, _width, NearestCount, Progress("comparing features", images.Length), cancellation);
        if (_rows.Length < images.Length)
            _features = [.. _rows.SelectMany(row => _features.AsSpan(row * _width, _width).ToArray())];
    }

    /// <summary>The nearest images of each, of all images.</summary>
    public Neighbours Neighbours { get; }

    /// <summary>The accuracy of the learners that judged the labels; after <see cref="Labels"/>.</summary>
    public double? OutOfFoldAccuracy { get; private set; }

    /// <summary>Labels that look wrong, the surest first.</summary>
    public IReadOnlyList<DataFinding> Labels()
    {
        string[] classes = [.. _images.Select(image => image.Label).Distinct().Order(StringComparer.Ordinal)];
        if (classes.Length < 2 || _images.Length < LeastImages)
            return [];
        var labels = _images.Select(image => Array.BinarySearch(classes, image.Label, StringComparer.Ordinal)).ToArray();
        var probabilities = OutOfFold.Probabilities(_features, _width, labels, classes.Length, _options,
            done => _options.Progress?.Invoke("judging labels", done, _options.Folds), _cancellation);
        var right = labels.Index().Count(image => image.Item
            == TensorPrimitives.IndexOfMax<float>(probabilities.AsSpan(image.Index * classes.Length, classes.Length)));
        OutOfFoldAccuracy = (double)right / labels.Length;
        var suspects = ConfidentLearning.Find(probabilities, labels, classes.Length, _options.SuspectLabelRatio)
            .Where(suspect => _shows[suspect.Image]).ToList();
        return [.. from suspect in suspects
                   let image = _images[suspect.Image]
                   select new DataFinding
                   {
                       Kind = DataFindingKind.SuspectLabel,
                       IsSerious = suspects.Count > _options.SeriousLabelPart * _images.Length,
                       Explanation = FormattableString.Invariant(
                           $"Labelled '{image.Label}' (probability {suspect.Given:g2}), looks like '{classes[suspect.Suggested]}' ")
                           + FormattableString.Invariant($"({suspect.Other:f2})."),
                       Score = Math.Round(suspect.Other, 4),
                       SuggestedLabel = classes[suspect.Suggested],
                       Images = [FileFindings.Found(image)],
                   }];
    }

    /// <summary>Images far from all others, the farthest first.</summary>
    public IReadOnlyList<DataFinding> Outliers()
    {
        if (_images.Length < LeastImages)
            return [];
        var distances = Enumerable.Range(0, _images.Length).Select(image => Distance(_rows[image])).ToArray();
        var median = distances.Order().ElementAt(distances.Length / 2);
        return [.. from image in Enumerable.Range(0, _images.Length)
                   let ratio = distances[image] / Math.Max(median, 1e-6)
                   where ratio > _options.OutlierDistance && _shows[image]
                   orderby ratio descending
                   select new DataFinding
                   {
                       Kind = DataFindingKind.Outlier,
                       Explanation = FormattableString.Invariant(
                           $"Its features lie {ratio:f1} times as far from their nearest as those of most images do."),
                       Score = Math.Round(ratio, 2),
                       Images = [FileFindings.Found(_images[image])],
                   }];
    }

    /// <summary>The mean distance of an image's features, scaled to length 1, from the nearest ones.</summary>
    private double Distance(int row)
    {
        var sum = 0.0;
        var count = 0;
        foreach (var cosine in Neighbours.CosinesOf(row))
            if (float.IsFinite(cosine))
                (sum, count) = (sum + Math.Sqrt(Math.Max(0, 2 - 2 * cosine)), count + 1);
        return count == 0 ? 0 : sum / count;
    }

    private bool IsKnown(int row) => float.IsFinite(TensorPrimitives.Sum<float>(_features.AsSpan(row * _width, _width)));

    private Action<int> Progress(string work, int images) => done => _options.Progress?.Invoke(work, done, images);
}
