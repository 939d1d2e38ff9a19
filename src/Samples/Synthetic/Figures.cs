namespace Samples.Synthetic;

/// <summary>
/// The ten classes: each is a figure in a coordinate system of its own, in which it reaches from -1 to 1, with y pointing down as in
/// images.
/// </summary>
internal static class Figures
{
    private const double Stripes = 2.5; // pairs of light and dark stripes over the figure's width

    /// <summary>Name and area of each figure, in alphabetical order.</summary>
    public static readonly IReadOnlyList<Figure> All =
    [
        new("checkerboard", MaxTurn: 0.15, (x, y) => InSquare(x, y) && Light(x) == Light(y)),
        new("cross", MaxTurn: Math.PI, (x, y) => InSquare(x, y) && Math.Min(Math.Abs(x), Math.Abs(y)) < 0.3),
        new("diagonal stripes", MaxTurn: 0.15, (x, y) => InSquare(x, y) && Light((x + y) / Math.Sqrt(2))),
        new("disc", MaxTurn: Math.PI, (x, y) => Radius(x, y) < 0.95),
        new("horizontal stripes", MaxTurn: 0.15, (x, y) => InSquare(x, y) && Light(y)),
        new("ring", MaxTurn: Math.PI, (x, y) => Radius(x, y) is > 0.55 and < 1),
        new("square", MaxTurn: Math.PI, (x, y) => Math.Max(Math.Abs(x), Math.Abs(y)) < 0.85),
        new("star", MaxTurn: Math.PI, (x, y) => Radius(x, y) < 0.62 + 0.4 * Math.Cos(5 * Math.Atan2(y, x))),
        new("triangle", MaxTurn: Math.PI, (x, y) => y < 0.7 && y > 1.9 * Math.Abs(x) - 1),
        new("vertical stripes", MaxTurn: 0.15, (x, y) => InSquare(x, y) && Light(x)),
    ];

    private static bool InSquare(double x, double y) => Math.Max(Math.Abs(x), Math.Abs(y)) < 1;

    private static bool Light(double position) => Math.Sin(Math.PI * Stripes * position) > 0;

    private static double Radius(double x, double y) => Math.Sqrt(x * x + y * y);
}

/// <summary>One class of drawings.</summary>
/// <param name="Name">The class name.</param>
/// <param name="MaxTurn">The largest angle by which it may be turned, in radians: upright stripes must stay upright.</param>
/// <param name="Contains">Whether a point belongs to the figure.</param>
internal sealed record Figure(string Name, double MaxTurn, Func<double, double, bool> Contains);
