using System.Diagnostics.CodeAnalysis;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images.Columns;
using Microsoft.ML.ResNet.Images.Views;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Data;

/// <summary>What one pass over a data view yields: the images that can be learnt from, and what was left out.</summary>
/// <param name="Store">The usable images; the set owns it.</param>
/// <param name="Shape">The shape of every image.</param>
/// <param name="Normalization">Mean and deviation of the channels.</param>
/// <param name="RowsPerClass">How many usable images each class has.</param>
internal sealed record LabeledImageSet(PixelStore Store, ImageShape Shape, Normalization Normalization, IReadOnlyList<int> RowsPerClass)
    : IDisposable
{
    private const float LeastDeviation = 2 / 255f;

    /// <summary>Reads a view, once, from start to end.</summary>
    /// <param name="data">The view.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="shape">
    /// The shape in which to keep the images; <see langword="null"/> takes that of the column or of the first readable image.
    /// </param>
    /// <param name="memory">How much memory the images may take, and where those go that need more.</param>
    /// <param name="checkAlive">Called before every row; it throws to stop.</param>
    /// <param name="leftOut">Counts the rows that cannot be used, by reason.</param>
    /// <returns>The set, or <see langword="null"/> when no row can be used.</returns>
    /// <exception cref="IOException">The images need more memory than they may take, and cannot be written to a file.</exception>
    public static LabeledImageSet? Read(IDataView data, LabeledImageColumns columns, ImageShape? shape, ImageMemory memory,
        Action checkAlive, out UnusableRows leftOut)
    {
        shape ??= columns.Images.Shape;
        leftOut = new UnusableRows();
        using var cursor = Open(data, columns);
        var image = columns.Images.Open(cursor, columns.Feature);
        var readLabel = cursor.GetGetter<uint>(columns.Label);
        var readWeight = columns.Weight is { } weightColumn ? cursor.GetGetter<float>(weightColumn) : null;
        var rowsPerClass = new int[checked((int)((KeyDataViewType)columns.Label.Type).Count)];
        var first = columns.Images is FloatVectorColumn { Range: null } floats
            ? new FirstFloatRows(floats, cursor.GetGetter<VBuffer<float>>(columns.Feature))
            : null;
        var firstLabels = new List<(long Row, uint Key, float Weight)>();
        var problems = leftOut.UnreadableImages;
        PixelStoreBuilder? builder = null;
        try
        {
            for (var row = 0L; SourceErrors.MoveNext(cursor); row++)
            {
                checkAlive();
                uint key = 0;
                var weight = 1f;
                readLabel(ref key);
                readWeight?.Invoke(ref weight);
                if (key == 0 || key > rowsPerClass.Length) // ML.NET's keys start at 1; 0 is missing
                    leftOut.MissingLabels++;
                else if (!(float.IsFinite(weight) && weight > 0))
                    leftOut.UnusableWeights++;
                else if (first is null)
                    Take(image, row, key, weight);
                else
                {
                    firstLabels.Add((row, key, weight));
                    if (first.Add())
                        TakeFirst();
                }
            }
            TakeFirst();
            return builder is null or { Count: 0 } ? null : new(builder.Build(), builder.Shape, builder.Measure(), rowsPerClass);
        }
        finally
        {
            builder?.Dispose();
        }

        void TakeFirst()
        {
            foreach (var (reader, (row, key, weight)) in (first?.Settle() ?? []).Zip(firstLabels))
                Take(reader, row, key, weight);
            first = null;
        }

        void Take(ImageColumnReader reader, long row, uint key, float weight)
        {
            if (!TryStart(ref builder, reader, shape, memory, data, out var problem)
                || !reader.TryRead(builder!.Shape, builder.NextImage, out problem))
            {
                problems.Add(row, problem);
                return;
            }
            builder.Add((int)key - 1, readWeight is null ? null : weight);
            rowsPerClass[key - 1]++;
        }
    }

    /// <summary>
    /// What to tell whoever trains on images that hardly differ from one plain colour; <see langword="null"/> for others.
    /// </summary>
    public string? LackOfContrast => Normalization.Deviation.All(deviation => deviation is < LeastDeviation or 1) // 1 stands for none
        ? "The images have next to no contrast: of 256 levels, no channel uses more than a few. If the pictures hold fewer bits than "
            + "their format, such as 12 in a 16-bit PNG, stretch them to the whole range when they are made; for vectors of numbers set "
            + "PixelRange in the trainer's options."
        : null;

    /// <summary>Frees the images.</summary>
    public void Dispose() => Store.Dispose();

    private static DataViewRowCursor Open(IDataView data, LabeledImageColumns columns)
    {
        DataViewSchema.Column[] needed = columns.Weight is { } weight
            ? [columns.Feature, columns.Label, weight]
            : [columns.Feature, columns.Label];
        return LabeledImageView.IsDecodedAhead(columns.Feature) ? data.GetRowCursorSet(needed, 1).Single() : data.GetRowCursor(needed);
    }

    private static bool TryStart(ref PixelStoreBuilder? builder, ImageColumnReader image, ImageShape? shape, ImageMemory memory,
        IDataView data, [NotNullWhen(false)] out string? problem)
    {
        problem = null;
        if (builder is not null)
            return true;
        ImageShape first;
        if (shape is { } known)
            first = known;
        else if (!image.TryReadShape(out first, out problem))
            return false;
        if (!ModelLimits.Allow(first)) // before memory is taken for them: what cannot be saved is not trained
            throw new InvalidOperationException(
                $"The images are {first} (channels x height x width); a model takes {ModelLimits.ImageShapes}. "
                + "Set ImageHeight and ImageWidth to have them resized, or resize them before.");
        builder = new PixelStoreBuilder(first, memory, data.GetRowCount());
        return true;
    }
}
