namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>One check: looks at all images, then finds one kind of fault after the other.</summary>
internal sealed class CheckRun
{
    private readonly DataCheckOptions _options;
    private readonly CancellationToken _cancellation;
    private readonly IReadOnlyList<CheckedImage> _all;
    private readonly ImageLook[] _looks;
    private readonly CheckedImage[] _readable;
    private readonly ImageLook[] _readableLooks;
    private readonly bool[] _shows; // of the readable ones

    public CheckRun(IReadOnlyList<CheckedImage> images, DataCheckOptions options, CancellationToken cancellation)
    {
        (_all, _options, _cancellation) = (images, options, cancellation);
        _looks = new ImageLook[images.Count];
        var done = 0;
        Parallel.For(0, images.Count, new ParallelOptions
        {
            CancellationToken = cancellation,
            MaxDegreeOfParallelism = Environment.ProcessorCount,
        }, image =>
        {
            _looks[image] = ImageLook.At(images[image]);
            options.Progress?.Invoke("reading", Interlocked.Increment(ref done), images.Count);
        });
        var readable = Enumerable.Range(0, images.Count).Where(image => _looks[image].Problem is null).ToArray();
        (_readable, _readableLooks) = ([.. readable.Select(image => images[image])], [.. readable.Select(image => _looks[image])]);
        _shows = [.. _readableLooks.Select(look => look.Contrast >= options.LeastContrast)];
    }

    /// <summary>What was found.</summary>
    public DataCheckResult Result()
    {
        var parts = _all.GroupBy(image => image.Part).Select(part => new DataPartSummary
        {
            Name = part.Key,
            Images = part.Count(),
            Classes = part.CountBy(image => image.Label).OrderBy(label => label.Key, StringComparer.Ordinal).ToDictionary(),
        }).ToList();
        var features = _options.Network is { } network && _readable.Length > 0
            ? new FeatureFindings(network, _readable, _shows, _options, _cancellation)
            : null;
        DataFinding[] findings =
        [
            .. FileFindings.Unreadable(_all, _looks),
            .. ClassFindings.Missing(parts),
            .. DuplicateFindings.Exact(_readable, _readableLooks),
            .. DuplicateFindings.Near(_readable,
                NearDuplicates.Find(_readableLooks, _shows, features?.Neighbours, _options, _cancellation)),
            .. features?.Labels() ?? [],
            .. ClassFindings.Few(parts[0], _options),
            .. FileFindings.WithoutContrast(_readable, _readableLooks, _shows),
            .. features?.Outliers() ?? [],
            .. FileFindings.UnusualSizes(_readable, _readableLooks, _options),
            .. FileFindings.Turned(_readable, _readableLooks),
        ];
        return new()
        {
            Images = _all.Count,
            Parts = parts,
            Width = Range(_readableLooks.Select(look => (double)look.Width)),
            Height = Range(_readableLooks.Select(look => (double)look.Height)),
            AspectRatio = Range(_readableLooks.Select(look => (double)look.Width / look.Height)),
            UsedFeatures = features is not null,
            OutOfFoldAccuracy = features?.OutOfFoldAccuracy,
            Findings = [.. findings.OrderBy(finding => !finding.IsSerious)], // stable: kinds stay in their order
        };
    }

    private static DataRange? Range(IEnumerable<double> values)
        => values.Order().ToArray() is { Length: > 0 } sorted
            ? new() { Least = sorted[0], Median = sorted[sorted.Length / 2], Most = sorted[^1] }
            : null;
}
