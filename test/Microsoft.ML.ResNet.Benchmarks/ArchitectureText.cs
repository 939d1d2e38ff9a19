using System.Globalization;
using Microsoft.ML.ResNet;

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
            StemWidth = Whole(parts[0], text),
            Stages = [.. parts.Skip(1).Select(part => part.Split(',') is [var width, var blocks, var stride]
                ? new ResNetStage(Whole(width, text), Whole(blocks, text), Whole(stride, text))
                : throw new FormatException($"'{text}' has the stage '{part}'; expected CHANNELS,BLOCKS,STRIDE."))],
        };
    }

    private static int Whole(string number, string text)
        => int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var whole) && whole > 0 ? whole
            : throw new FormatException($"'{text}' has '{number}', which is no whole number from 1 on.");
}
