using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet;

/// <summary>
/// A part of a picture, in units of its height and width: from 0 to 1 is the whole. It may begin below 0 and end above 1, where a network
/// sees a border beside the picture (<see cref="ImageFit.Pad"/>).
/// </summary>
public readonly record struct PictureArea
{
    /// <summary>The upper edge, in heights of the picture.</summary>
    public double Top { get; init; }

    /// <summary>The left edge, in widths of the picture.</summary>
    public double Left { get; init; }

    /// <summary>In heights of the picture.</summary>
    public double Height { get; init; }

    /// <summary>In widths of the picture.</summary>
    public double Width { get; init; }

    /// <summary>The part of a picture that a network sees.</summary>
    /// <param name="picture">The picture's size as it stands.</param>
    /// <param name="target">What it becomes.</param>
    internal static PictureArea Of(PictureSize picture, ImageTarget target)
    {
        var place = target.Geometry.Place(picture.Height, picture.Width, target.Shape);
        return new()
        {
            Top = (0.0 - place.Top) / place.Height,
            Left = (0.0 - place.Left) / place.Width,
            Height = (double)target.Shape.Height / place.Height,
            Width = (double)target.Shape.Width / place.Width,
        };
    }
}
