using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.ML;

namespace Samples.Pictures;

/// <summary>
/// Pictures as rows of ML.NET data: the bytes of the files as they are, read one after the other as a cursor asks for them.
/// </summary>
/// <param name="set">The pictures.</param>
internal sealed partial class PictureRows(PictureSet set)
{
    /// <summary>Is told how many files of a pass have been read, after each.</summary>
    public Action<int>? FileRead { get; set; }

    /// <summary>The rows: <c>Features</c>, the file, <c>Label</c>, its class, and <c>ImagePath</c>, its name.</summary>
    public IDataView Load(MLContext mlContext) => mlContext.Data.LoadFromEnumerable(Read());

    /// <summary>
    /// The files that a warning of the library means, which counts rows: "2 rows have an image that is missing or cannot be read (row 3:
    /// expected ...; row 7: ...)".
    /// </summary>
    /// <param name="warning">What the library says.</param>
    /// <returns>How many cannot be read, and the first of them with the reason; nothing if the warning speaks of something else.</returns>
    public (int Count, IReadOnlyList<string> First) Unreadable(string warning)
    {
        if (UnreadableRows().Match(warning) is not { Success: true } match)
            return (0, []);
        var first = RowAndReason().Matches(match.Groups["rows"].Value)
            .Select(row => $"{set.Source.Describe(set.All[Number(row.Groups["row"])].Name)}: {row.Groups["reason"].Value}.");
        return (Number(match.Groups["count"]), [.. first]);
    }

    private static int Number(Group digits) => int.Parse(digits.Value, CultureInfo.InvariantCulture);

    private IEnumerable<EncodedImage> Read()
    {
        using var reader = set.Source.Open();
        var count = 0;
        foreach (var picture in set.All)
            yield return new EncodedImage(() =>
            {
                FileRead?.Invoke(++count);
                return TryRead(reader, picture.Name);
            }, picture.Label, picture.Name);
    }

    // A file that cannot be read any more has no bytes, and so is left out and counted like one that cannot be decoded.
    private static byte[] TryRead(PictureSource.Reader reader, string name)
    {
        try
        {
            return reader.ReadFile(name);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return [];
        }
    }

    [GeneratedRegex(@"(?<count>\d+) rows have an image that is missing or cannot be read \((?<rows>.*)\)\.$")]
    private static partial Regex UnreadableRows();

    [GeneratedRegex(@"row (?<row>\d+): (?<reason>.*?)(?=; row \d+: |; and \d+ more$|$)")]
    private static partial Regex RowAndReason();
}
