using System.Globalization;
using System.Text;
using SkiaSharp;

namespace Samples.Output;

/// <summary>
/// A picture as DEC's sixels: bands of six rows, in which each colour says column by column, by the bits of a letter, which rows it has.
/// Colours are the nearest of 216.
/// </summary>
internal static class SixelText
{
    private const int Levels = 6, BandHeight = 6;
    private const char Empty = '?'; // the letter of no bits
    private const int ShortestRepeat = 4; // "!4~" is no longer than "~~~~"

    /// <summary>Writes a picture.</summary>
    public static string Of(SKBitmap picture)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"\eP0;1q\"1;1;{picture.Width};{picture.Height}");
        for (var color = 0; color < Levels * Levels * Levels; color++)
            text.Append(CultureInfo.InvariantCulture,
                $"#{color};2;{Percent(color / 36)};{Percent(color / 6 % Levels)};{Percent(color % Levels)}");
        for (var top = 0; top < picture.Height; top += BandHeight)
            WriteBand(picture, top, text);
        return text.Append("\e\\").ToString();
    }

    private static int Percent(int level) => 100 * level / (Levels - 1);

    private static void WriteBand(SKBitmap picture, int top, StringBuilder text)
    {
        var letters = new SortedDictionary<int, char[]>();
        for (var row = top; row < Math.Min(top + BandHeight, picture.Height); row++)
            for (var column = 0; column < picture.Width; column++)
            {
                var color = Nearest(picture.GetPixel(column, row));
                if (!letters.TryGetValue(color, out var band))
                {
                    letters.Add(color, band = new char[picture.Width]);
                    Array.Fill(band, Empty);
                }
                band[column] = (char)(Empty + (band[column] - Empty | 1 << (row - top)));
            }
        foreach (var (color, band) in letters)
        {
            text.Append(CultureInfo.InvariantCulture, $"#{color}");
            WriteRepeated(band, text);
            text.Append('$'); // back to the first column
        }
        text.Append('-'); // to the next band
    }

    private static int Nearest(SKColor color) => 36 * Level(color.Red) + 6 * Level(color.Green) + Level(color.Blue);

    private static int Level(byte value) => (value * (Levels - 1) + 127) / 255;

    private static void WriteRepeated(char[] band, StringBuilder text)
    {
        for (var (from, to) = (0, 0); from < band.Length; from = to)
        {
            while (to < band.Length && band[to] == band[from])
                to++;
            if (to - from >= ShortestRepeat)
                text.Append(CultureInfo.InvariantCulture, $"!{to - from}{band[from]}");
            else
                text.Append(band[from], to - from);
        }
    }
}
