using System.Globalization;
using Microsoft.ML.ResNet;

namespace Benchmarks;

/// <summary>
/// Plans as a command line writes them: a name, such as <c>cifar-20</c>, or channels of the stem and, for each stage of basic blocks, its
/// channels, blocks and stride: <c>16:48,1,2:96,1,2:192,1,2</c> is <c>quick-8</c>.
/// </summary>
internal static class ArchitectureText
{
    /// <summary>Reads a plan.</summary>
    /// <exception cref="FormatException">It has another form.</exception>
    /// <exception cref="ArgumentException">It is no name.</exception>
    public static ResNetArchitecture Parse(string text)
    {
        var parts = text.Split(':');
        return parts.Length == 1 ? ResNetArchitecture.Parse(text) : ResNetArchitecture.Cifar(8) with
        {
            StemWidth = Whole(parts[0]),
            Stages = [.. parts.Skip(1).Select(part => part.Split(',') is [var width, var blocks, var stride]
                ? new ResNetStage(Whole(width), Whole(blocks), Whole(stride))
                : throw new FormatException($"'{text}' has the stage '{part}'; expected CHANNELS,BLOCKS,STRIDE."))],
        };
    }

    private static int Whole(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
