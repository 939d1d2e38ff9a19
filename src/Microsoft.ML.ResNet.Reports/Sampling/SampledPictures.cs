using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Images.Columns;

namespace Microsoft.ML.ResNet.Reports.Sampling;

/// <summary>A picture of a sample.</summary>
/// <param name="Label">Its class.</param>
/// <param name="Pixels">The picture, planar.</param>
/// <param name="Size">The size that it had.</param>
internal sealed record SampledPicture(string Label, byte[] Pixels, PictureSize Size);

/// <summary>Takes some pictures out of data, at random.</summary>
internal static class SampledPictures
{
    /// <summary>Reads the pictures; those that cannot be read are left out.</summary>
    /// <param name="data">The data.</param>
    /// <param name="images">The column of the pictures.</param>
    /// <param name="kind">How to read it.</param>
    /// <param name="labelColumn">The column of their classes.</param>
    /// <param name="target">What each becomes.</param>
    /// <param name="count">How many.</param>
    /// <param name="seed">Decides which, and in which order they come.</param>
    /// <param name="cancellation">Is looked at before each picture.</param>
    public static IReadOnlyList<SampledPicture> Read(IDataView data, DataViewSchema.Column images, ImageColumnKind kind, string labelColumn,
        ImageTarget target, int count, int seed, CancellationToken cancellation)
    {
        var label = data.Schema.GetColumnOrNull(labelColumn) ?? throw new ArgumentException($"There is no label column '{labelColumn}'.");
        var random = new Random(seed);
        var wanted = Choose(data.GetRowCount() ?? CountRows(data, label, cancellation), count, random);
        var pictures = new List<SampledPicture>();
        using (var cursor = data.GetRowCursor([images, label]))
        {
            var labelOf = LabelNames.Open(cursor, label);
            var reader = kind.Open(cursor, images);
            while (wanted.Count > 0 && cursor.MoveNext())
            {
                cancellation.ThrowIfCancellationRequested();
                if (!wanted.Remove(cursor.Position))
                    continue;
                var pixels = new byte[target.Shape.Size];
                if (reader.TryRead(target, pixels, out var size, out _))
                    pictures.Add(new(labelOf(), pixels, size));
            }
        }
        var mixed = pictures.ToArray();
        random.Shuffle(mixed); // rows often come class by class
        return mixed;
    }

    private static HashSet<long> Choose(long rows, int count, Random random)
    {
        var chosen = new HashSet<long>();
        for (var row = Math.Max(0, rows - count); row < rows; row++) // Floyd's sample without replacement
            if (random.NextInt64(row + 1) is var other && !chosen.Add(other))
                chosen.Add(row);
        return chosen;
    }

    private static long CountRows(IDataView data, DataViewSchema.Column label, CancellationToken cancellation)
    {
        using var cursor = data.GetRowCursor([label]);
        var rows = 0L;
        for (; cursor.MoveNext(); rows++)
            cancellation.ThrowIfCancellationRequested();
        return rows;
    }
}
