using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Adds <see cref="ResNetTrainer"/> to <see cref="MulticlassClassificationCatalog.MulticlassClassificationTrainers"/>.</summary>
public static class ResNetCatalog
{
    /// <summary>Creates a trainer of residual networks, everything else being the default.</summary>
    /// <param name="catalog">The trainers of an <see cref="MLContext"/>.</param>
    /// <param name="labelColumnName">The column of labels: keys. The default is <c>Label</c>.</param>
    /// <param name="featureColumnName">The column of images. The default is <c>Features</c>.</param>
    /// <param name="architecture">The network; <see langword="null"/> is <c>ResNetArchitecture.Cifar(20)</c>.</param>
    /// <param name="numberOfEpochs">Passes over the training images; at least 1. <see langword="null"/> is 100.</param>
    /// <param name="validationSet">Rows to choose the best epoch by; <see langword="null"/> keeps the last epoch's weights.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range; the message lists every one that is.</exception>
    public static ResNetTrainer ResNet(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        string labelColumnName = DefaultColumnNames.Label,
        string featureColumnName = DefaultColumnNames.Features,
        ResNetArchitecture? architecture = null,
        int? numberOfEpochs = null,
        IDataView? validationSet = null)
    {
        var options = new ResNetTrainer.Options
        {
            LabelColumnName = labelColumnName,
            FeatureColumnName = featureColumnName,
            NumberOfEpochs = numberOfEpochs,
            ValidationSet = validationSet,
        };
        if (architecture is not null)
            options.Architecture = architecture;
        return catalog.ResNet(options);
    }

    /// <summary>Creates a trainer of residual networks.</summary>
    /// <param name="catalog">The trainers of an <see cref="MLContext"/>.</param>
    /// <param name="options">The options; the trainer takes a copy.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range; the message lists every one that is.</exception>
    public static ResNetTrainer ResNet(this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        ResNetTrainer.Options options)
    {
        Contracts.CheckValue(catalog, nameof(catalog));
        Contracts.CheckValue(options, nameof(options));
        return new ResNetTrainer(CatalogUtils.GetEnvironment(catalog), options);
    }
}
