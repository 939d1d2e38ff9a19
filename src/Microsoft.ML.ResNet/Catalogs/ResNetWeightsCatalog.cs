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
    /// Makes a model of a weights file: PyTorch's (<c>.pth</c>, <c>.pt</c>, <c>.th</c>; today's zip or the form of before 2020),
    /// safetensors, or ONNX.
    /// </summary>
    /// <param name="catalog">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="path">The file. Its content tells its kind; its extension does not matter.</param>
    /// <param name="options">What the file does not tell: architecture, classes, images, normalisation.</param>
    /// <returns>
    /// The model, which scores, evaluates and saves like a trained one; dispose it when it is no longer needed. Its
    /// <see cref="ResNetTransformer.ImportedWeights"/> tells which tensors of the file and of the network fit.
    /// </returns>
    /// <remarks>
    /// <para>Names are understood as torchvision and timm, Hugging Face transformers, fastai's body, kuangliu, akamaster and "Dive into
    /// Deep Learning" give them, behind any prefix (<c>module.</c>, <c>model.</c>, <c>backbone.</c>), in a bare state dictionary, in a
    /// checkpoint with anything beside it, in a model that was pickled whole, or in TorchScript. A head of another name (<c>fc.1</c>,
    /// <c>classifier</c>) is told by its shape. Numbers of 16 and 64 bits become float32. Nothing in the file is ever run.</para>
    /// <para>Of an ONNX file the graph is walked, whatever its names: a residual network of basic blocks or bottlenecks, with or without a
    /// head, whose batch normalisations have not been folded into its convolutions.</para>
    /// <para>To evaluate the model, map labels with <see cref="ResNetConversionCatalog.MapLabelToKey"/>: keys in any other order than that
    /// of <see cref="ResNetWeightsOptions.ClassNames"/> give an accuracy that means nothing.</para>
    /// </remarks>
    /// <exception cref="WeightsFormatException">
    /// The file is damaged, hostile or of an unknown kind, or it does not fit the network; the message names the first tensors of each
    /// kind, and the architecture that the file does fit, if there is one.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// An option is out of its range (the message lists every one that is), or the path is empty.
    /// </exception>
    /// <exception cref="IOException">The file cannot be opened or read.</exception>
    public static ResNetTransformer LoadResNetWeights(this ModelOperationsCatalog catalog, string path, ResNetWeightsOptions options)
    {
        Contracts.CheckValue(catalog, nameof(catalog));
        Contracts.CheckNonEmpty(path, nameof(path));
        using var stream = SafeFile.OpenRead(path);
        return catalog.LoadResNetWeights(stream, options);
    }

    /// <param name="catalog">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="stream">The file, from the stream's start; readable and seekable. It stays open.</param>
    /// <param name="options">What the file does not tell: architecture, classes, images, normalisation.</param>
    /// <inheritdoc cref="LoadResNetWeights(ModelOperationsCatalog, string, ResNetWeightsOptions)"/>
    /// <exception cref="ArgumentException">
    /// An option is out of its range (the message lists every one that is), or the stream cannot be read, or cannot seek.
    /// </exception>
    public static ResNetTransformer LoadResNetWeights(this ModelOperationsCatalog catalog, Stream stream, ResNetWeightsOptions options)
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
        var import = WeightsImport.Read(stream, options, seed);
        using (var channel = environment.Register(nameof(LoadResNetWeights)).Start("Import"))
        {
            channel.Info($"Weights of the {import.Report.FileKind}: {import.Report}.");
            foreach (var warning in import.Warnings)
                channel.Warning(warning);
        }
        return new ResNetTransformer(environment, new TrainedResNet(options.Architecture, shape, options.Normalization, classes,
            import.Tensors)
        { Geometry = options.Geometry }, options.Columns)
        { ImportedWeights = import.Report };
    }

    /// <summary>
    /// Makes a model of the ResNet-18 that Microsoft trained on ImageNet: a backbone without a head, which learns other classes from few
    /// images as <see cref="ResNetTrainer.Options.InitialModel"/>. Its last stage has three blocks, one more than torchvision's. The
    /// weights (62 MB) are those of the NuGet package <c>Microsoft.ML.DnnImageFeaturizer.ResNet18</c>: nothing is downloaded when the
    /// application runs, and there is no Python.
    /// </summary>
    /// <param name="catalog">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="modelsFolder">
    /// The package's folder <c>DnnImageModels</c>. The default, null, is the one that the package's build puts beside the application.
    /// </param>
    /// <param name="featureColumnName">The column of the images. The default is <c>Features</c>.</param>
    /// <returns>
    /// The model, for images of 3x224x224, red first, with the mean that the weights were trained with; dispose it when
    /// it is no longer needed. Its head is drawn at random for two placeholder classes, as without
    /// <see cref="ResNetWeightsOptions.ClassNames"/>.
    /// </returns>
    /// <exception cref="FileNotFoundException">The weights are not there; the message says how to add them to the project.</exception>
    /// <exception cref="WeightsFormatException">The file is damaged, or another than the package's.</exception>
    /// <exception cref="IOException">The file cannot be opened or read.</exception>
    public static ResNetTransformer LoadImageNetResNet18(this ModelOperationsCatalog catalog, string? modelsFolder = null,
        string featureColumnName = DefaultColumnNames.Features)
    {
        Contracts.CheckValue(catalog, nameof(catalog));
        Contracts.CheckNonEmpty(featureColumnName, nameof(featureColumnName));
        var path = ImageNetBackbone.WeightsPath(modelsFolder);
        return File.Exists(path)
            ? catalog.LoadResNetWeights(path, ImageNetBackbone.Options(modelsFolder, featureColumnName))
            : throw new FileNotFoundException(
                $"There are no ImageNet weights at '{path}'. They come with a NuGet package, whose build puts them there: run 'dotnet add "
                + $"package {ImageNetBackbone.Package}' in the application's own project and build it again.", path);
    }
}
