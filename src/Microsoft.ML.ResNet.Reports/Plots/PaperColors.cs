using OxyPlot;

namespace Microsoft.ML.ResNet.Reports.Plots;

/// <summary>Colours of plots on white paper, which people who are colour-blind can tell apart (Okabe, Ito 2008).</summary>
internal static class PaperColors
{
    private static readonly OxyColor[] All =
    [
        OxyColor.FromRgb(0, 114, 178), OxyColor.FromRgb(213, 94, 0), OxyColor.FromRgb(0, 158, 115), OxyColor.FromRgb(204, 121, 167),
        OxyColor.FromRgb(230, 159, 0), OxyColor.FromRgb(86, 180, 233),
    ];

    /// <summary>What stands back.</summary>
    public static OxyColor Muted => OxyColor.FromRgb(150, 150, 150);

    /// <summary>The colour of a series.</summary>
    /// <param name="number">Which, from 1; after the last they begin again.</param>
    public static OxyColor Series(int number) => All[(number - 1) % All.Length];
}
