namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>The memory in which one batch flows through a network: all its feature maps. Serves one batch at a time.</summary>
/// <param name="maps">The layouts, by index.</param>
/// <param name="images">Images that it has room for; at least 1.</param>
internal sealed unsafe class Workspace(IReadOnlyList<FeatureMap> maps, int images)
{
    private readonly AlignedFloats[] _memory = [.. maps.Select(map => new AlignedFloats(checked(map.Layout.ImageStride * images)))];

    /// <summary>Images that it has room for.</summary>
    public int Images { get; } = images;

    /// <summary>The first image of a map; it stays where it is as long as this object can be reached.</summary>
    public float* this[FeatureMap map] => _memory[map.Index].Pointer;
}
