using System.Globalization;
using System.Text;
using SkiaSharp;

namespace Samples.Output;

/// <summary>
/// Shows a PNG file in the terminal: as it is where the terminal takes pictures, by coloured half blocks in others, and not at all where
/// nobody watches.
/// </summary>
internal static class TerminalPicture
{
    private const string Escape = "\e";
    private const int LongestChunk = 4096; // characters of base64 that Kitty takes at a time
    private const int MostColumns = 120;

    private static readonly string[] Sixels = ["foot", "mlterm", "contour", "yaft"]; // of many that do not say so

    /// <summary>Shows a file.</summary>
    public static void Show(Display display, string path)
    {
        if (!display.IsLive)
            return;
        var writer = display.Writer;
        switch (Protocol(Environment.GetEnvironmentVariable))
        {
            case PictureProtocol.Kitty:
                writer.WriteLine(Kitty(File.ReadAllBytes(path)));
                break;
            case PictureProtocol.ITerm:
                writer.WriteLine(ITerm(File.ReadAllBytes(path)));
                break;
            case PictureProtocol.Sixel:
                using (var picture = SKBitmap.Decode(path))
                    writer.WriteLine(SixelText.Of(picture));
                break;
            default:
                using (var picture = SKBitmap.Decode(path))
                    writer.Write(HalfBlocks(picture, Math.Min(display.Width - 1, MostColumns)));
                break;
        }
    }

    /// <summary>How a terminal takes pictures, by what it says of itself.</summary>
    /// <param name="variable">Reads a variable of the environment.</param>
    public static PictureProtocol Protocol(Func<string, string?> variable)
    {
        var (term, program) = (variable("TERM") ?? "", variable("TERM_PROGRAM") ?? "");
        if (variable("TMUX") is not null || term.StartsWith("screen", StringComparison.Ordinal))
            return PictureProtocol.None; // they swallow what they do not know
        if (variable("KITTY_WINDOW_ID") is not null || term is "xterm-kitty" or "xterm-ghostty" || program is "ghostty")
            return PictureProtocol.Kitty;
        if (program is "iTerm.app" or "WezTerm" || variable("LC_TERMINAL") == "iTerm2")
            return PictureProtocol.ITerm;
        return Sixels.Any(name => term.StartsWith(name, StringComparison.Ordinal)) ? PictureProtocol.Sixel : PictureProtocol.None;
    }

    /// <summary>A PNG file for Kitty's graphics protocol: base64 in chunks, all but the last saying that more comes.</summary>
    public static string Kitty(byte[] png)
    {
        var text = new StringBuilder();
        var chunks = Convert.ToBase64String(png).Chunk(LongestChunk).ToList();
        foreach (var (index, chunk) in chunks.Index())
            text.Append($"{Escape}_G").Append(index == 0 ? "a=T,f=100," : "").Append(index < chunks.Count - 1 ? "m=1;" : "m=0;")
                .Append(chunk).Append($"{Escape}\\");
        return text.ToString();
    }

    /// <summary>A file for iTerm2's protocol of inline images.</summary>
    public static string ITerm(byte[] file)
        => string.Create(CultureInfo.InvariantCulture, $"{Escape}]1337;File=inline=1;size={file.Length}:{Convert.ToBase64String(file)}\a");

    /// <summary>A picture as lines of half blocks, each of which is two pixels, one above the other.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="columns">Columns of the terminal.</param>
    public static string HalfBlocks(SKBitmap picture, int columns)
    {
        columns = Math.Clamp(columns, 1, picture.Width);
        var rows = Math.Max(1, (int)Math.Round((double)picture.Height * columns / picture.Width / 2));
        using var small = picture.Resize(new SKImageInfo(columns, 2 * rows), SKFilterQuality.Medium);
        var text = new StringBuilder();
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                var (upper, lower) = (small.GetPixel(column, 2 * row), small.GetPixel(column, 2 * row + 1));
                text.Append(CultureInfo.InvariantCulture, $"{Escape}[38;2;{upper.Red};{upper.Green};{upper.Blue};")
                    .Append(CultureInfo.InvariantCulture, $"48;2;{lower.Red};{lower.Green};{lower.Blue}m▀");
            }
            text.Append($"{Escape}[0m").Append('\n');
        }
        return text.ToString();
    }
}

/// <summary>How a terminal takes pictures.</summary>
internal enum PictureProtocol
{
    /// <summary>Not at all, as far as one knows.</summary>
    None,

    /// <summary>Kitty's graphics protocol.</summary>
    Kitty,

    /// <summary>iTerm2's inline images.</summary>
    ITerm,

    /// <summary>DEC's sixels.</summary>
    Sixel,
}
