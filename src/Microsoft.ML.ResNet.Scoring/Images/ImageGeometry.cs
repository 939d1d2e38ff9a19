using System.Globalization;
using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet;

/// <summary>
/// How a picture of any size becomes an image of the network's size: encoded files, <c>MLImage</c> and vectors of pixels of another size.
/// An immutable value that travels in the model, so that an application that hands over a photo gets the pixels that training got.
/// </summary>
public sealed record ImageGeometry
{
    /// <summary>The largest <see cref="CropRatio"/>.</summary>
    internal const double LargestCropRatio = 16;

    /// <summary>Squashes or stretches the whole picture. The default of everything but ImageNet's networks.</summary>
    public static ImageGeometry Fill { get; } = new();

    /// <summary>
    /// The middle of the picture, as torchvision's recipe for ImageNet takes it: the shorter side to 256/224 of the image's, then the
    /// central image.
    /// </summary>
    public static ImageGeometry CenterCrop { get; } = new() { Fit = ImageFit.CenterCrop };

    /// <summary>The whole picture, undistorted, between black borders.</summary>
    public static ImageGeometry Pad { get; } = new() { Fit = ImageFit.Pad };

    /// <summary>What models did before they had a geometry: squash, and ignore the camera's orientation.</summary>
    internal static ImageGeometry Legacy { get; } = new() { HonorOrientation = false };

    /// <summary>How the picture's shape becomes the image's. The default is <see cref="ImageFit.Fill"/>.</summary>
    public ImageFit Fit { get; init; }

    /// <summary>
    /// For <see cref="ImageFit.CenterCrop"/>: how many times larger than the image the picture is scaled before its middle is cut out; 1
    /// (as much of the picture as fits) to 16. The default is 256/224.
    /// </summary>
    public double CropRatio { get; init; } = 256.0 / 224;

    /// <summary>
    /// Whether pictures are turned as their camera's orientation tag (EXIF) says, so that they stand as viewers show them. The default is
    /// <see langword="true"/>. <c>MLImage</c> has no such tag any more: ML.NET's <c>LoadImages</c> drops it.
    /// </summary>
    public bool HonorOrientation { get; init; } = true;

    /// <summary>The filter that resizes. The default is <see cref="ImageInterpolation.Bilinear"/>.</summary>
    public ImageInterpolation Interpolation { get; init; }

    /// <summary>The whole picture at any size, for what cuts its own part out of it; orientation and filter stay.</summary>
    internal ImageGeometry Whole => this with { Fit = ImageFit.Fill };

    /// <summary>As in <c>center crop (ratio 1.143)</c>.</summary>
    public override string ToString()
        => (Fit switch
        {
            ImageFit.Fill => "fill",
            ImageFit.Pad => "pad",
            _ => string.Create(CultureInfo.InvariantCulture, $"center crop (ratio {CropRatio:g4})"),
        }) + (Interpolation == ImageInterpolation.Bilinear ? "" : ", bicubic") + (HonorOrientation ? "" : ", orientation ignored");

    /// <summary>Lists what makes this value unusable; empty when nothing does.</summary>
    internal IEnumerable<string> Problems()
    {
        if (!Enum.IsDefined(Fit))
            yield return $"ImageGeometry.Fit is {Fit}; it must be {string.Join(" or ", Enum.GetNames<ImageFit>())}.";
        if (!Enum.IsDefined(Interpolation))
            yield return $"ImageGeometry.Interpolation is {Interpolation}; it must be "
                + $"{string.Join(" or ", Enum.GetNames<ImageInterpolation>())}.";
        if (CropRatio is not (>= 1 and <= LargestCropRatio))
            yield return string.Create(CultureInfo.InvariantCulture,
                $"ImageGeometry.CropRatio is {CropRatio}; it must be 1 to {LargestCropRatio}.");
    }

    /// <summary>Where a picture goes.</summary>
    /// <param name="height">The picture's rows, as it stands; at least 1.</param>
    /// <param name="width">Its columns; at least 1.</param>
    /// <param name="shape">The image.</param>
    internal ImagePlacement Place(int height, int width, ImageShape shape) => Fit switch
    {
        ImageFit.CenterCrop => Covering(height, width, shape),
        ImageFit.Pad => Inside(height, width, shape),
        _ => new(shape.Height, shape.Width, 0, 0),
    };

    // As torchvision computes it: the limiting side exactly, the other truncated, the offset rounded to even.
    private ImagePlacement Covering(int height, int width, ImageShape shape)
    {
        var (rows, columns) = ((long)Math.Round(shape.Height * CropRatio), (long)Math.Round(shape.Width * CropRatio));
        var heightLimits = height * columns <= width * rows;
        if (heightLimits)
            columns = rows * width / height;
        else
            rows = columns * height / width;
        return new(rows, columns, -(long)Math.Round((rows - shape.Height) / 2.0), -(long)Math.Round((columns - shape.Width) / 2.0));
    }

    private static ImagePlacement Inside(int height, int width, ImageShape shape)
    {
        var scale = Math.Min((double)shape.Height / height, (double)shape.Width / width);
        var (rows, columns) = (Scaled(height, shape.Height), Scaled(width, shape.Width));
        return new(rows, columns, (shape.Height - rows) / 2, (shape.Width - columns) / 2);

        int Scaled(int side, int most) => Math.Clamp((int)Math.Round(side * scale), 1, most);
    }
}
