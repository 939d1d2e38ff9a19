using SkiaSharp;

namespace Microsoft.ML.ResNet.Reports.Sampling;

/// <summary>Finds a font for labels.</summary>
internal static class GridFont
{
    // What Windows, macOS and Linux systems have, of letters without serifs.
    private static readonly string[] Families = ["Arial", "Helvetica", "DejaVu Sans", "Liberation Sans", "Noto Sans"];

    /// <summary>A font with Latin letters; <see langword="null"/> where the system has none.</summary>
    public static SKTypeface? Find()
        => Families.Select(SKTypeface.FromFamilyName).FirstOrDefault(face => face is not null && Families.Contains(face.FamilyName))
            ?? (SKTypeface.Default.GetGlyph('a') != 0 ? SKTypeface.FromFamilyName(SKTypeface.Default.FamilyName) : null);
}
