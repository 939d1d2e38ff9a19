using System.Globalization;
using System.Text;
using Microsoft.ML.ResNet.Foundation;

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
    /// <param name="path">The file; see <see cref="SafeFile.Write"/>. Its folder is made.</param>
    /// <param name="history">The reports.</param>
    /// <exception cref="IOException">
    /// It is a folder, a device or a pipe, or cannot be written. The file of before is untouched.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static void Write(string path, IEnumerable<EpochReport> history)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
            FileOperations.Current.CreateFolder(folder);
        var lines = string.Concat(history.Select(Line).Prepend(Header).Select(line => line + Environment.NewLine));
        SafeFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(lines)));
    }

    private static string Header
        => Row(nameof(EpochReport.Epoch), nameof(EpochReport.NumberOfEpochs), HistoryTable.Figures.Select(figure => figure.Name));

    private static string Line(EpochReport report) => Row(report.Epoch, report.NumberOfEpochs,
        HistoryTable.Figures.Select(figure => figure.Value(report)?.ToString(CultureInfo.InvariantCulture)));

    private static string Row(object epoch, object numberOfEpochs, IEnumerable<string?> figures)
        => string.Create(CultureInfo.InvariantCulture, $"{epoch},{numberOfEpochs},{string.Join(',', figures)}");
}
