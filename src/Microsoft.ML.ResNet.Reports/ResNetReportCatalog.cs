using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Reports;
using Microsoft.ML.ResNet.Reports.Report;

namespace Microsoft.ML;

/// <summary>Reports of models, as an addition to <see cref="ModelOperationsCatalog"/>.</summary>
public static class ResNetReportCatalog
{
    /// <summary>
    /// Measures a model on images and writes all there is to see about it to one HTML file, which needs no other file and no network: the
    /// figures, the curves of its training, the confusion matrix with the pictures behind its cells, the surest mistakes, where the network
    /// looked, and how to train it again.
    /// </summary>
    /// <param name="catalog">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="model">The network, or a pipeline with it.</param>
    /// <param name="data">
    /// Images that the model has not learnt from, with their labels; read twice. A column <c>ImagePath</c> names them.
    /// </param>
    /// <param name="path">The file to write; an older one stays as it is until the new one is whole.</param>
    /// <param name="options">What else to tell; <see langword="null"/> for the default.</param>
    /// <returns>The figures.</returns>
    /// <remarks>
    /// The file has up to 5 MB, whatever the number of images: it has thumbnails of as many pictures as find room, mistakes first.
    /// Probabilities are those of <see cref="ResNetTransformer.Transform"/>. A pipeline's other steps are used, too.
    /// </remarks>
    /// <exception cref="ArgumentException">
    /// There is no residual network in the model, a column is missing, or an option is out of its range.
    /// </exception>
    /// <exception cref="InvalidDataException">There is no image that can be read, of a class that the model knows.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file or its folder must not be written.</exception>
    public static ResNetReportSummary SaveResNetReport(this ModelOperationsCatalog catalog, ITransformer model, IDataView data, string path,
        ResNetReportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        options ??= new();
        options.Check();
        var network = model.FindResNet()
            ?? throw new ArgumentException("There is no residual network in the model; expected one, or a pipeline with one.",
                nameof(model));
        return new ReportWriter(model, network, options).Write(data, path);
    }
}
