using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Data;

/// <summary>What one pass over a data view yields: the images that can be learnt from, and what was left out.</summary>
/// <param name="Store">The usable images; the set owns it.</param>
/// <param name="Shape">The shape of every image as the network takes it.</param>
/// <param name="Normalization">Mean and deviation of the channels.</param>
/// <param name="RowsPerClass">How many usable images each class has.</param>
internal sealed record LabeledImageSet(PixelStore Store, ImageShape Shape, Normalization Normalization, IReadOnlyList<int> RowsPerClass)
    : IDisposable
{
    private const float LeastDeviation = 2 / 255f;

    /// <summary>
    /// The shape in which the store has them: of whole pictures larger than <see cref="Shape"/>, and else that.
    /// </summary>
    public ImageShape StoredShape => KeptShape ?? Shape;

    /// <summary>The shape of whole pictures; <see langword="null"/> where images are as the network takes them.</summary>
    public ImageShape? KeptShape { get; init; }

    /// <summary>Reads a view, once, from start to end.</summary>
    /// <param name="data">The view.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="request">In which form the images are wanted.</param>
    /// <param name="memory">How much memory the images may take, and where those go that need more.</param>
    /// <param name="checkAlive">Called before every row; it throws to stop.</param>
    /// <param name="leftOut">Counts the rows that cannot be used, by reason.</param>
    /// <param name="processes">
    /// Processes that each keep a part of the images, and all read the view at the same time; <see langword="null"/>, the default, is one.
    /// </param>
    /// <returns>The set, or <see langword="null"/> when no row can be used.</returns>
    /// <exception cref="IOException">The images need more memory than they may take, and cannot be written to a file.</exception>
    public static LabeledImageSet? Read(IDataView data, LabeledImageColumns columns, ImageRequest request, ImageMemory memory,
        Action checkAlive, out UnusableRows leftOut, ProcessGroup? processes = null)
    {
        var rows = leftOut = new UnusableRows();
        if (processes is null)
        {
            using var alone = new LabeledImageReading(data, columns, request, memory, checkAlive, leftOut, shared: null);
            return alone.Run();
        }
        var shared = new SharedReading(processes);
        using var reading = processes.Agree(() =>
        {
            var part = new LabeledImageReading(data, columns, request, memory, checkAlive, rows, shared);
            try
            {
                part.ReadAll();
                return part;
            }
            catch
            {
                part.Dispose();
                throw;
            }
        });
        return reading.Finish();
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
}
