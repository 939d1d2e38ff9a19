using System.Reflection;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Loads models whose files may be damaged, as an addition to <see cref="ModelOperationsCatalog"/>.</summary>
public static class ResNetModelCatalog
{
    /// <summary>
    /// Loads a model as <see cref="ModelOperationsCatalog.Load(Stream, out DataViewSchema)"/> does, and reports whatever is wrong with the
    /// file as one exception.
    /// </summary>
    /// <param name="catalog">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="stream">The file, from the stream's position to its end; readable and seekable. It stays open.</param>
    /// <param name="inputSchema">The schema that the model was saved with; <see langword="null"/> where it was saved without.</param>
    /// <returns>
    /// The model: a <see cref="ResNetTransformer"/> alone, or a pipeline, of whose steps it is one:
    /// <c>((IEnumerable&lt;ITransformer&gt;)model).OfType&lt;ResNetTransformer&gt;().Single()</c>.
    /// </returns>
    /// <remarks>
    /// Before ML.NET sees the file, the checksum of every entry is compared, which ML.NET does not do, and sizes are: it may unpack to 64
    /// MiB, or to 100 times its own size. A file from a stranger remains a danger all the same, because an ML.NET model names the
    /// components, and the assemblies, that it is made of: load models only from sources you trust.
    /// </remarks>
    /// <exception cref="ModelFormatException">
    /// The file is damaged, cut short, of a newer version, no model at all, or needs a component that cannot be found.
    /// </exception>
    /// <exception cref="ArgumentException">The stream cannot be read, or cannot seek.</exception>
    /// <exception cref="IOException">The stream, or the folder for temporary files, failed.</exception>
    public static ITransformer LoadResNet(this ModelOperationsCatalog catalog, Stream stream, out DataViewSchema? inputSchema)
    {
        Contracts.CheckValue(catalog, nameof(catalog));
        Contracts.CheckValue(stream, nameof(stream));
        Contracts.CheckParam(stream.CanRead
            && stream.CanSeek, nameof(stream), "Expected a stream that can be read and can seek. Copy it to a MemoryStream first.");
        ModelZip.Check(stream);
        try
        {
            return catalog.Load(stream, out inputSchema);
        }
        catch (Exception e) when (IsAboutTheFile(e))
        {
            throw new ModelFormatException(Cause(e) is ModelFormatException ours
                ? ours.Message
                : $"The model cannot be loaded: {Cause(e).Message}", e);
        }
    }

    /// <param name="catalog">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="path">The file.</param>
    /// <param name="inputSchema">The schema that the model was saved with; <see langword="null"/> where it was saved without.</param>
    /// <inheritdoc cref="LoadResNet(ModelOperationsCatalog, Stream, out DataViewSchema?)"/>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    public static ITransformer LoadResNet(this ModelOperationsCatalog catalog, string path, out DataViewSchema? inputSchema)
    {
        Contracts.CheckValue(catalog, nameof(catalog));
        Contracts.CheckNonEmpty(path, nameof(path));
        using var stream = File.OpenRead(path);
        return catalog.LoadResNet(stream, out inputSchema);
    }

    // ML.NET throws many kinds for one damaged byte, down to IndexOutOfRangeException; these alone may have another reason than the file.
    private static bool IsAboutTheFile(Exception exception) => exception switch
    {
        // an assembly that the file names; the end of one of its entries
        FileNotFoundException or FileLoadException or EndOfStreamException => true,
        IOException or UnauthorizedAccessException or ObjectDisposedException or OperationCanceledException => false,
        _ => true,
    };

    // ML.NET calls a component's loader by reflection, once for each level of a pipeline.
    private static Exception Cause(Exception exception)
        => exception is TargetInvocationException or InvalidOperationException && exception.InnerException is { } inner
            ? Cause(inner)
            : exception;
}
