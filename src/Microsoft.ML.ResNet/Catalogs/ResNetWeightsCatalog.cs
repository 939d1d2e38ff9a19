using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Makes models of weights that PyTorch has trained, as an addition to <see cref="ModelOperationsCatalog"/>.</summary>
public static class ResNetWeightsCatalog
{
    /// <summary>
    /// Makes a model of a weights file: PyTorch's (<c>.pth</c>, <c>.pt</c>, <c>.th</c>; today's zip or the form of before 2020) or
    /// safetensors.
    /// </summary>
    /// <param name="catalog">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="path">The file. Its content tells its kind; its extension does not matter.</param>
    /// <param name="options">What the file does not tell: architecture, classes, images, normalisation.</param>
    /// <param name="report">Which tensors of the file and of the network fit.</param>
    /// <returns>The model, which scores, evaluates and saves like a trained one; dispose it when it is no longer needed.</returns>
    /// <remarks>
    /// <para>Names are understood as torchvision and timm, kuangliu, akamaster and "Dive into Deep Learning" give them, also behind
    /// <c>module.</c> and inside a checkpoint (<c>state_dict</c>, <c>net</c>, <c>model</c>). Numbers of 16 and 64 bits become float32.
    /// Nothing in the file is ever run.</para>
    /// <para>To evaluate the model, map labels with <see cref="ResNetConversionCatalog.MapLabelToKey"/>: keys in any other order than that
    /// of
    /// <see cref="ResNetWeightsOptions.ClassNames"/> give an accuracy that means nothing.</para>
    /// </remarks>
    /// <exception cref="WeightsFormatException">
    /// The file is damaged, hostile or of an unknown kind, or it does not fit the network; the message names the first tensors of each
    /// kind.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// An option is out of its range (the message lists every one that is), or the path is empty.
    /// </exception>
    /// <exception cref="IOException">The file cannot be opened or read.</exception>
    public static ResNetTransformer LoadResNetWeights(this ModelOperationsCatalog catalog, string path, ResNetWeightsOptions options,
        out WeightsReport report)
    {
        Contracts.CheckValue(catalog, nameof(catalog));
        Contracts.CheckNonEmpty(path, nameof(path));
        using var stream = SafeFile.OpenRead(path);
        return catalog.LoadResNetWeights(stream, options, out report);
    }

    /// <param name="catalog">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="stream">The file, from the stream's start; readable and seekable. It stays open.</param>
    /// <param name="options">What the file does not tell: architecture, classes, images, normalisation.</param>
    /// <param name="report">Which tensors of the file and of the network fit.</param>
    /// <inheritdoc cref="LoadResNetWeights(ModelOperationsCatalog, string, ResNetWeightsOptions, out WeightsReport)"/>
    /// <exception cref="ArgumentException">
    /// An option is out of its range (the message lists every one that is), or the stream cannot be read, or cannot seek.
    /// </exception>
    public static ResNetTransformer LoadResNetWeights(this ModelOperationsCatalog catalog, Stream stream, ResNetWeightsOptions options,
        out WeightsReport report)
    {
        Contracts.CheckValue(catalog, nameof(catalog));
        Contracts.CheckValue(stream, nameof(stream));
        Contracts.CheckValue(options, nameof(options));
        Contracts.CheckParam(stream.CanRead
            && stream.CanSeek, nameof(stream), "Expected a stream that can be read and can seek. Copy it to a MemoryStream first.");
        var problems = options.Problems().ToList();
        Contracts.CheckParam(problems.Count == 0, nameof(options), string.Join(" ", problems));

        var environment = CatalogUtils.GetEnvironment(catalog);
        var (shape, classes) = (options.Images, options.Classes);
        var seed = options.Seed ?? (environment as IHostEnvironmentInternal)?.Seed ?? Random.Shared.Next();
        (var weights, report) = WeightsImport.Read(stream, options.Architecture, shape.Channels, classes.Count, options.Strict, seed);
        return new ResNetTransformer(environment, new TrainedResNet(options.Architecture, shape, options.Normalization, classes, weights),
            options.Columns);
    }
}
