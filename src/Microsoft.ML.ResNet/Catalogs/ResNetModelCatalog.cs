using System.Reflection;
using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>
/// Saves models so that nothing is lost, and loads models whose files may be damaged, as an addition to
/// <see cref="ModelOperationsCatalog"/>.
/// </summary>
public static class ResNetModelCatalog
{
    /// <summary>
    /// Loads a model as <see cref="ModelOperationsCatalog.Load(Stream, out DataViewSchema)"/> does, and reports whatever is wrong with the
    /// file as one exception.
    /// </summary>
    /// <param name="catalog">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="stream">The file, and nothing else; readable, seekable, at its start. It stays open.</param>
    /// <param name="inputSchema">The schema that the model was saved with; <see langword="null"/> where it was saved without.</param>
    /// <returns>
    /// The model: a <see cref="ResNetTransformer"/> alone, or a pipeline, of whose steps it is one; <see cref="FindResNet"/> finds it.
    /// </returns>
    /// <remarks>
    /// Before ML.NET sees the file, checksums are compared, which ML.NET does not do (that of weights with a SHA-256 when they are read),
    /// and sizes are: it may unpack to 64 MiB, or to 100 times its own size. A file from a stranger remains a danger all the same, because
    /// an ML.NET model names the components, and the assemblies, that it is made of: load models only from sources you trust.
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
        catch (Exception e) when (DiskError.Behind(e) is { } error)
        {
            ExceptionDispatchInfo.Throw(error); // says nothing about the file
            throw;
        }
        catch (Exception e) when (IsAboutTheFile(Cause(e)))
        {
            throw new ModelFormatException(Cause(e) is ModelFormatException ours
                ? ours.Message
                : $"The model cannot be loaded: {Cause(e).Message}", e);
        }
        catch (Exception e) when (Cause(e) != e)
        {
            ExceptionDispatchInfo.Throw(Cause(e));
            throw;
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
        using var stream = SafeFile.OpenRead(path);
        return catalog.LoadResNet(stream, out inputSchema);
    }

    /// <summary>Loads the residual network of a model file as a classifier of pictures, which many threads may call at once.</summary>
    /// <param name="catalog">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="path">The file: a <see cref="ResNetTransformer"/> alone, or a pipeline with one among its steps.</param>
    /// <param name="options">What the classifier refuses to look at; <see langword="null"/> for the default.</param>
    /// <returns>The classifier; dispose it to free the network.</returns>
    /// <remarks>
    /// Of a pipeline, only the network is asked: steps before it, such as one that changes colours, are left out. What
    /// <see cref="LoadResNet(ModelOperationsCatalog, string, out DataViewSchema?)"/> says of files from strangers holds here too.
    /// </remarks>
    /// <exception cref="ModelFormatException">
    /// The file is damaged, cut short, of a newer version, no model at all, one without a residual network, or needs a component that
    /// cannot be found.
    /// </exception>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="NotSupportedException">The network takes images of 2 or 4 channels.</exception>
    /// <exception cref="IOException">The file, or the folder for temporary files, failed.</exception>
    /// <exception cref="UnauthorizedAccessException">The file must not be read.</exception>
    public static ImageClassifier LoadImageClassifier(this ModelOperationsCatalog catalog, string path,
        ImageClassifierOptions? options = null)
    {
        var model = catalog.LoadResNet(path, out _);
        try
        {
            return model.FindResNet()?.IntoClassifier(options)
                ?? throw new ModelFormatException($"'{path}' is a model without a residual network.");
        }
        catch
        {
            (model as IDisposable)?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Saves a model as <see cref="ModelOperationsCatalog.Save(ITransformer, DataViewSchema, string)"/> does, but so that a file of before
    /// is never lost: the new one is written beside it, flushed to the disk, and takes its place only when it is whole.
    /// </summary>
    /// <param name="catalog">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="model">The model: a <see cref="ResNetTransformer"/>, or any other, such as a pipeline with one among its steps.</param>
    /// <param name="inputSchema">
    /// The schema of what the model transforms, kept in the file; <see langword="null"/> to keep none.
    /// </param>
    /// <param name="filePath">
    /// The file; replaced if it exists, with its permissions kept where the system can. Where it is a link, the file that it names. Its
    /// folder must exist, and allow that a file is made in it.
    /// </param>
    /// <remarks>
    /// The file is ML.NET's own: <see cref="ModelOperationsCatalog.Load(string, out DataViewSchema)"/> and <see cref="LoadResNet(
    /// ModelOperationsCatalog, string, out DataViewSchema?)"/> read it. Weights are stored in it as they are, where ML.NET's own
    /// <c>Save</c> deflates them, which hardly makes them smaller and takes much longer, to save and to load. Nor is a file of before lost,
    /// which ML.NET's <c>Save</c> to a path empties first: a full disk, or a model that cannot be saved, leaves neither the old model nor
    /// the new one there.
    /// </remarks>
    /// <exception cref="InvalidOperationException">
    /// The model cannot be saved: it could not be loaded again, or a step of the pipeline has no form in a file. Nothing was written.
    /// </exception>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <exception cref="IOException">
    /// The path is a folder, a device or a pipe, or the file, or ML.NET's folder for temporary files, cannot be written. A file of before
    /// is untouched.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">The file or its folder must not be written. A file of before is untouched.</exception>
    public static void SaveResNet(this ModelOperationsCatalog catalog, ITransformer model, DataViewSchema? inputSchema, string filePath)
    {
        Contracts.CheckValue(catalog, nameof(catalog));
        Contracts.CheckValue(model, nameof(model));
        Contracts.CheckNonEmpty(filePath, nameof(filePath));
        foreach (var network in ResNets(model))
            network.CheckSaveable();
        SafeFile.Write(filePath, stream
            => StoredWeights.Save(stream, TemporaryFolder(catalog), zip => catalog.Save(model, inputSchema, zip)));
    }

    /// <summary>Finds the residual network in a model, such as one that was loaded.</summary>
    /// <param name="model">The network itself, or a pipeline with one among its steps, or among those of a pipeline within it.</param>
    /// <returns>
    /// The network, which stays the model's: whoever disposes the one disposes the other. The first, where there are several;
    /// <see langword="null"/> where there is none.
    /// </returns>
    public static ResNetTransformer? FindResNet(this ITransformer model)
    {
        Contracts.CheckValue(model, nameof(model));
        return ResNets(model).FirstOrDefault();
    }

    // Where ML.NET puts what it saves, for the time being.
    private static string TemporaryFolder(ModelOperationsCatalog catalog)
        => (CatalogUtils.GetEnvironment(catalog) as IHostEnvironmentInternal)?.TempFilePath ?? Path.GetTempPath();

    private static IEnumerable<ResNetTransformer> ResNets(ITransformer model) => model switch
    {
        ResNetTransformer network => [network],
        IEnumerable<ITransformer> steps => steps.SelectMany(ResNets),
        _ => [],
    };

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
