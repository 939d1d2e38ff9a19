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

    /// <summary>
    /// A font with the first letter of a label that another font lacks; <see langword="null"/> where it lacks none, or the system has none.
    /// </summary>
    /// <param name="label">The label.</param>
    /// <param name="face">The other font.</param>
    public static SKTypeface? FindOther(string label, SKTypeface face)
    {
        foreach (var letter in label.EnumerateRunes())
            if (face.GetGlyph(letter.Value) == 0)
                return SKFontManager.Default.MatchCharacter(letter.Value);
        return null;
    }
}
