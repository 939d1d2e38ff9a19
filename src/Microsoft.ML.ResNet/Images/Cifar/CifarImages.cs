namespace Microsoft.ML.ResNet.Images.Cifar;

/// <summary>The images at one or more paths, one path after the other.</summary>
internal sealed class CifarImages : ILabeledImages
{
    private readonly CifarLocation[] _locations;
    private readonly Lazy<CifarPlan>[] _plans;

    /// <summary>Checks that the paths exist; opens nothing.</summary>
    /// <exception cref="FileNotFoundException">A path does not exist.</exception>
    public CifarImages(IEnumerable<string> paths, CifarBinaryOptions options)
    {
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
    public IEnumerable<LabeledImage> Read(bool withBytes)
    {
        foreach (var plan in _plans)
            foreach (var image in plan.Value.Read())
                yield return image; // pixels cost nothing extra: they are in the record that holds the label
    }

    private long? CountOrNull()
    {
        try
        {
            return _plans.Sum(plan => plan.Value.Count);
        }
        catch (InvalidDataException)
        {
            return null; // unknown; the cursor will say what is wrong
        }
    }
}
