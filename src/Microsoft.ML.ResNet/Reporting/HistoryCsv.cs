using System.Globalization;

namespace Microsoft.ML.ResNet.Reporting;

/// <summary>
/// The reports of epochs as a CSV file: a line of names, then a line for each epoch. Commas, points in numbers, times in seconds, nothing
/// where nothing was measured; numbers have all their digits.
/// </summary>
internal static class HistoryCsv
{
    /// <summary>
    /// Writes the file anew. It appears under its name only when it is whole, so that whoever reads it meanwhile never meets half a line.
    /// </summary>
    /// <param name="path">The file; one that exists is replaced. Its folder is made.</param>
    /// <param name="history">The reports.</param>
    /// <exception cref="IOException">It cannot be written. The file of before is untouched.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static void Write(string path, IEnumerable<EpochReport> history)
    {
        path = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var unfinished = path + ".unfinished";
        File.WriteAllLines(unfinished, history.Select(Line).Prepend(Header));
        File.Move(unfinished, path, overwrite: true);
    }

    private static string Header
        => Row(nameof(EpochReport.Epoch), nameof(EpochReport.NumberOfEpochs), HistoryTable.Figures.Select(figure => figure.Name));

    private static string Line(EpochReport report) => Row(report.Epoch, report.NumberOfEpochs,
        HistoryTable.Figures.Select(figure => figure.Value(report)?.ToString(CultureInfo.InvariantCulture)));

    private static string Row(object epoch, object numberOfEpochs, IEnumerable<string?> figures)
        => string.Create(CultureInfo.InvariantCulture, $"{epoch},{numberOfEpochs},{string.Join(',', figures)}");
}
