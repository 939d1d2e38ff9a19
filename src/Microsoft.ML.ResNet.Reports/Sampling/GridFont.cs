using SkiaSharp;

namespace Microsoft.ML.ResNet.Reports.Sampling;

/// <summary>
/// Finds a font. Skia's library for Linux without dependencies knows none of the system's, so that files are looked for there.
/// </summary>
internal static class GridFont
{
    private static readonly string[] Folders = ["/usr/share/fonts", "/usr/local/share/fonts"];

    // Of the families that Linux systems have; any other will do.
    private static readonly string[] Known = ["DejaVuSans.ttf", "LiberationSans-Regular.ttf", "NotoSans-Regular.ttf"];

    /// <summary>A font with Latin letters, or <see langword="null"/>.</summary>
    public static SKTypeface? Find()
    {
        if (SKTypeface.FromFamilyName("sans-serif") is { } system)
        {
            if (system.GetGlyph('a') != 0)
                return system;
            system.Dispose();
        }
        return Files().Select(SKTypeface.FromFile).FirstOrDefault(face => face is not null && face.GetGlyph('a') != 0);
    }

    private static IEnumerable<string> Files()
    {
        var files = Folders.Where(Directory.Exists).SelectMany(folder => Directory.EnumerateFiles(folder, "*.ttf",
            new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true })).ToList();
        return files.OrderBy(file => Array.IndexOf(Known, Path.GetFileName(file)) is var index && index < 0 ? Known.Length : index)
            .ThenBy(file => file, StringComparer.Ordinal);
    }
}
