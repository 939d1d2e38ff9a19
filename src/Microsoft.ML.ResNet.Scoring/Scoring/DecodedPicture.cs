using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>What came of a picture that was to be decoded.</summary>
/// <param name="Size">Its size as it stands.</param>
/// <param name="Kind">Why there are no pixels; <see cref="ImageProblemKind.None"/> where there are.</param>
/// <param name="Problem">The same in words; <see langword="null"/> where there are.</param>
internal readonly record struct DecodedPicture(PictureSize Size, ImageProblemKind Kind = ImageProblemKind.None, string? Problem = null)
{
    /// <summary>No pixels.</summary>
    public static DecodedPicture None(ImageProblemKind kind, string problem) => new(default, kind, problem);
}
