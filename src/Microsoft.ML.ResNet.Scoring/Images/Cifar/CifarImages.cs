namespace Microsoft.ML.ResNet.Images.Cifar;

/// <summary>The images at one or more paths, one path after the other.</summary>
internal sealed class CifarImages : ILabeledImages
{
    private readonly CifarLocation[] _locations;
    private readonly Lazy<CifarPlan>[] _plans;
    private readonly ImageShard? _shard;

    /// <summary>Checks that the paths exist; opens nothing.</summary>
    /// <exception cref="FileNotFoundException">A path does not exist.</exception>
    public CifarImages(IEnumerable<string> paths, CifarBinaryOptions options)
    {
        _shard = options.Shard;
        _locations = [.. paths.Select(CifarLocation.Of)];
        // Made once, by the first cursor that comes this far. PublicationOnly: a failure is not remembered, a repaired file can be read.
        _plans = [.. _locations.Select(
            location => new Lazy<CifarPlan>(() => CifarPlan.Make(location, options), LazyThreadSafetyMode.PublicationOnly))];
    }

    /// <inheritdoc/>
    public ImageShape? Shape => CifarLayout.Shape;

    /// <inheritdoc/>
    public ImageGeometry? Geometry => null;

    /// <inheritdoc/>
    public long? Count => _locations.All(location => location.ListsQuickly) ? CountOrNull() : null;

    /// <inheritdoc/>
    public IEnumerable<LabeledImage> Read(bool withBytes, RowsWanted? wanted = null)
    {
        // An iterator, so that nothing is read before the first image is asked for. Pixels cost nothing extra: they are in the record that
        // holds the label.
        foreach (var image in _shard is null ? ReadAll() : ReadPart(_shard))
            yield return image;
    }

    private IEnumerable<LabeledImage> ReadAll() => _plans.SelectMany(plan => plan.Value.Read());

    private IEnumerable<LabeledImage> ReadPart(ImageShard shard)
    {
        var (first, end) = shard.RangeOf(_plans.Sum(plan => plan.Value.Count));
        foreach (var plan in _plans)
        {
            foreach (var image in plan.Value.Read(first, end))
                yield return image;
            (first, end) = (first - plan.Value.Count, end - plan.Value.Count);
        }
    }

    private long? CountOrNull()
    {
        try
        {
            var all = _plans.Sum(plan => plan.Value.Count);
            return _shard?.RangeOf(all) is var (first, end) ? end - first : all;
        }
        catch (InvalidDataException)
        {
            return null; // unknown; the cursor will say what is wrong
        }
    }
}
