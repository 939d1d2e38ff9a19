using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet.Data;

/// <summary>
/// Says of a store that its images are whole pictures, squashed to one size, of which the network takes a part: a random one while it
/// learns, the geometry's when it is judged.
/// </summary>
/// <param name="Sizes">The size of each row's picture before it was squashed, which tells its aspect ratio.</param>
/// <param name="Target">What the network takes.</param>
internal sealed record WholePictures(IReadOnlyList<PictureSize> Sizes, ImageTarget Target)
{
    /// <summary>The same for some of the rows.</summary>
    public WholePictures Subset(IReadOnlyList<long> rows) => this with { Sizes = [.. rows.Select(row => Sizes[(int)row])] };
}
