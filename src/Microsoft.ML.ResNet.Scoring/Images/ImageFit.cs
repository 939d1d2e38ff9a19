namespace Microsoft.ML.ResNet;

/// <summary>How a picture of any shape becomes an image of a given one.</summary>
public enum ImageFit
{
    /// <summary>All of the picture, squashed or stretched: each direction is scaled by itself. ML.NET's <c>ResizingKind.Fill</c>.</summary>
    Fill,

    /// <summary>
    /// The middle of the picture, undistorted: scaled until its sides are <see cref="ImageGeometry.CropRatio"/> times the image's or more,
    /// and cut there. torchvision's <c>Resize(256)</c> and <c>CenterCrop(224)</c>; with a ratio of 1, ML.NET's
    /// <c>ResizingKind.IsoCrop</c>.
    /// </summary>
    CenterCrop,

    /// <summary>All of the picture, undistorted, in the middle of black borders. ML.NET's <c>ResizingKind.IsoPad</c>.</summary>
    Pad,
}
