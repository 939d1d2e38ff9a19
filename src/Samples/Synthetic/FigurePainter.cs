namespace Samples.Synthetic;

/// <summary>
/// Draws figures into images of 3x32x32 bytes, planar, as CIFAR stores them. Place, size, angle, the two colours, the background's slope
/// and the noise are all random, so that neither a single pixel nor the mean colour tells the class.
/// </summary>
/// <param name="random">Where every choice comes from; the same seed draws the same images.</param>
internal sealed class FigurePainter(Random random)
{
    /// <summary>Pixels along each side.</summary>
    public const int Side = 32;

    /// <summary>Bytes of an image.</summary>
    public const int Length = 3 * Side * Side;

    private const int SamplesPerPixel = 3; // along each side: edges are soft, as in photographs
    private const double LeastContrast = 60; // between the mean of figure and background, in grey levels
    private const double NoiseDeviation = 18; // in grey levels

    /// <summary>Draws one image.</summary>
    /// <param name="figure">What to draw.</param>
    /// <param name="pixels">Receives <see cref="Length"/> bytes.</param>
    public void Paint(Figure figure, Span<byte> pixels)
    {
        var (foreground, background) = Colours();
        var (slopeX, slopeY) = (Between(-40, 40), Between(-40, 40)); // how much brighter the right and the lower border are
        var coverage = Cover(figure);
        for (var channel = 0; channel < 3; channel++)
            for (var y = 0; y < Side; y++)
                for (var x = 0; x < Side; x++)
                {
                    var behind = background[channel] + slopeX * (x / (double)Side - 0.5) + slopeY * (y / (double)Side - 0.5);
                    var part = coverage[y * Side + x];
                    var value = part * foreground[channel] + (1 - part) * behind + NoiseDeviation * Gaussian();
                    pixels[(channel * Side + y) * Side + x] = (byte)Math.Clamp(Math.Round(value), 0, 255);
                }
    }

    /// <summary>The part of each pixel that the figure covers, from 0 to 1, after it got its place.</summary>
    private double[] Cover(Figure figure)
    {
        var radius = Between(8, 13);
        var (centreX, centreY) = (Side / 2 + Between(-1, 1) * (Side / 2 - radius), Side / 2 + Between(-1, 1) * (Side / 2 - radius));
        var (sine, cosine) = Math.SinCos(Between(-figure.MaxTurn, figure.MaxTurn));
        var coverage = new double[Side * Side];
        for (var pixel = 0; pixel < coverage.Length; pixel++)
        {
            var inside = 0;
            for (var sample = 0; sample < SamplesPerPixel * SamplesPerPixel; sample++)
            {
                var x = (pixel % Side + (sample % SamplesPerPixel + 0.5) / SamplesPerPixel - centreX) / radius;
                var y = (pixel / Side + (sample / SamplesPerPixel + 0.5) / SamplesPerPixel - centreY) / radius;
                if (figure.Contains(cosine * x + sine * y, cosine * y - sine * x))
                    inside++;
            }
            coverage[pixel] = inside / (double)(SamplesPerPixel * SamplesPerPixel);
        }
        return coverage;
    }

    /// <summary>Two random colours that can be told apart; either may be the brighter one.</summary>
    private (double[] Foreground, double[] Background) Colours()
    {
        while (true)
        {
            var (one, other) = (Colour(), Colour());
            if (Math.Abs(one.Average() - other.Average()) >= LeastContrast)
                return (one, other);
        }
    }

    private double[] Colour() => [Between(20, 235), Between(20, 235), Between(20, 235)];

    private double Between(double low, double high) => low + (high - low) * random.NextDouble();

    /// <summary>A standard normal number, by Box and Muller's method.</summary>
    private double Gaussian() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
