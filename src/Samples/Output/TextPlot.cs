using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Samples.Output;

/// <summary>A curve of a <see cref="TextPlot"/>.</summary>
/// <param name="Points">Its points, from left to right; those that are no numbers are left out.</param>
/// <param name="Color">Its colour, where there are colours.</param>
/// <param name="IsDotted">Whether every other dot is left out, so that two curves differ without colours.</param>
internal sealed record TextCurve(IReadOnlyList<(double X, double Y)> Points, Color Color, bool IsDotted = false);

/// <summary>
/// Curves drawn with the dots of braille letters, two across and four down in each character. The axes say their least and greatest
/// values.
/// </summary>
/// <param name="Title">What is drawn.</param>
/// <param name="Curves">The curves; where two meet, the later is seen.</param>
internal sealed record TextPlot(string Title, IReadOnlyList<TextCurve> Curves)
{
    private const int DotsAcross = 2, DotsDown = 4;
    private const int Gutter = 7; // columns for the numbers at the left
    private const int NoBraille = 0x2800;

    // The bit of each dot in a braille letter, by row and column.
    private static readonly int[,] Bits = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } };

    /// <summary>The ends of the horizontal axis in words; the default is their values.</summary>
    public (string Least, string Most)? Ends { get; init; }

    /// <summary>A place on the horizontal axis with an upright line; <see langword="null"/> for none.</summary>
    public double? Marked { get; init; }

    /// <summary>Draws it.</summary>
    /// <param name="width">Columns, the numbers at the left included.</param>
    /// <param name="height">Lines of the plot, without title and axis.</param>
    public IRenderable Draw(int width, int height)
    {
        var columns = Math.Max(4, width - Gutter - 1);
        var points = Curves.SelectMany(curve => curve.Points).Where(point => double.IsFinite(point.X) && double.IsFinite(point.Y)).ToList();
        var text = new Paragraph(new string(' ', Gutter + 1) + Title + "\n", new Style(decoration: Decoration.Bold));
        if (points.Count == 0)
            return text;
        var (left, right) = (points.Min(point => point.X), points.Max(point => point.X));
        var (low, high) = (points.Min(point => point.Y), points.Max(point => point.Y));
        var (letters, owners) = (new int[height, columns], new TextCurve?[height, columns]);
        foreach (var curve in Curves)
            Trace(curve);
        var mark = Marked is { } x ? Math.Clamp(Across(x) / DotsAcross, 0, columns - 1) : -1;

        for (var row = 0; row < height; row++)
        {
            text.Append((row == 0 ? Number(high) : row == height - 1 ? Number(low) : "").PadLeft(Gutter) + "│");
            for (var column = 0; column < columns; column++)
                text.Append(letters[row, column] > 0 ? $"{(char)(NoBraille + letters[row, column])}" : column == mark ? "┊" : " ",
                    new Style(owners[row, column]?.Color));
            text.Append("\n");
        }
        var (least, most) = Ends ?? (Number(left), Number(right));
        text.Append("└".PadLeft(Gutter + 1) + new string('─', columns) + "\n");
        text.Append(new string(' ', Gutter + 1) + least + most.PadLeft(Math.Max(most.Length + 1, columns - least.Length)) + "\n");
        return text;

        int Across(double value) => right > left ? (int)Math.Round((value - left) / (right - left) * (columns * DotsAcross - 1)) : 0;

        int Down(double value) => high > low ? (int)Math.Round((high - value) / (high - low) * (height * DotsDown - 1)) : 0;

        void Trace(TextCurve curve)
        {
            (int X, int Y)? before = null;
            foreach (var (across, down) in curve.Points.Where(point => double.IsFinite(point.X) && double.IsFinite(point.Y))
                .Select(point => (Across(point.X), Down(point.Y))))
            {
                var (fromX, fromY) = before ?? (across, down);
                var steps = Math.Max(Math.Abs(across - fromX), Math.Abs(down - fromY));
                for (var step = 0; step <= steps; step++)
                    Dot(curve, fromX + Part(across - fromX, step, steps), fromY + Part(down - fromY, step, steps));
                before = (across, down);
            }
        }

        void Dot(TextCurve curve, int across, int down)
        {
            if (curve.IsDotted && (across + down) % 3 != 0)
                return;
            letters[down / DotsDown, across / DotsAcross] |= Bits[down % DotsDown, across % DotsAcross];
            owners[down / DotsDown, across / DotsAcross] = curve;
        }
    }

    private static int Part(int length, int step, int steps) => steps == 0 ? 0 : (int)Math.Round((double)length * step / steps);

    private static string Number(double value) => value.ToString(Math.Abs(value) is >= 1000 or < 0.001 and > 0 ? "0.0e0" : "0.###",
        CultureInfo.InvariantCulture);
}
