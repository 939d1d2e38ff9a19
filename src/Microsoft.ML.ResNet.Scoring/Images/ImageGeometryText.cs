using System.Globalization;

namespace Microsoft.ML.ResNet.Images;

/// <summary>A geometry as a line of text for programs: <c>CenterCrop 1.1428571428571428 Bilinear True</c>.</summary>
internal static class ImageGeometryText
{
    /// <summary>Writes it.</summary>
    public static string Print(ImageGeometry geometry)
        => string.Create(CultureInfo.InvariantCulture,
            $"{geometry.Fit} {geometry.CropRatio:r} {geometry.Interpolation} {geometry.HonorOrientation}");

    /// <summary>Reads it; <see langword="null"/> where the text is none.</summary>
    public static ImageGeometry? Parse(ReadOnlySpan<char> text)
        => text.ToString().Split(' ') is [var fit, var ratio, var interpolation, var orientation]
            && Enum.TryParse<ImageFit>(fit, out var parsedFit)
            && double.TryParse(ratio, NumberStyles.Float, CultureInfo.InvariantCulture, out var parsedRatio)
            && Enum.TryParse<ImageInterpolation>(interpolation, out var parsedInterpolation)
            && bool.TryParse(orientation, out var honors)
            && new ImageGeometry
            {
                Fit = parsedFit,
                CropRatio = parsedRatio,
                Interpolation = parsedInterpolation,
                HonorOrientation = honors,
            } is var geometry && !geometry.Problems().Any()
            ? geometry
            : null;
}
