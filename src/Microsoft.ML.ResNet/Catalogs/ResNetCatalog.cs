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
    /// <param name="scoreColumnName">The column of probabilities to add. The default is <c>Score</c>.</param>
    /// <param name="predictedLabelColumnName">The column of the predicted class to add. The default is <c>PredictedLabel</c>.</param>
    /// <param name="exampleWeightColumnName">
    /// The column of what each row counts in training: <see cref="float"/>. <see langword="null"/>, the default, counts all alike.
    /// </param>
    /// <param name="validationSet">Rows to choose the best epoch by; <see langword="null"/> keeps the last epoch's weights.</param>
    /// <param name="architecture">The network; <see langword="null"/> is <c>ResNetArchitecture.Cifar(20)</c>.</param>
    /// <param name="recipe">How it is trained; <see langword="null"/> is <see cref="TrainingRecipe.Tutorial"/>.</param>
    /// <param name="numberOfEpochs">
    /// Passes over the training images, in place of the recipe's; at least 1. <see langword="null"/> leaves it to the recipe.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range; the message lists every one that is.</exception>
    public static ResNetTrainer ResNet(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        string labelColumnName = DefaultColumnNames.Label,
        string featureColumnName = DefaultColumnNames.Features,
        string scoreColumnName = DefaultColumnNames.Score,
        string predictedLabelColumnName = DefaultColumnNames.PredictedLabel,
        string? exampleWeightColumnName = null,
        IDataView? validationSet = null,
        ResNetArchitecture? architecture = null,
        TrainingRecipe? recipe = null,
        int? numberOfEpochs = null)
    {
        var options = new ResNetTrainer.Options
        {
            LabelColumnName = labelColumnName,
            FeatureColumnName = featureColumnName,
            ScoreColumnName = scoreColumnName,
            PredictedLabelColumnName = predictedLabelColumnName,
            ExampleWeightColumnName = exampleWeightColumnName,
            ValidationSet = validationSet,
        };
        options.Architecture = architecture ?? options.Architecture;
        options.Recipe = recipe ?? options.Recipe;
        if (numberOfEpochs is { } epochs)
            options.Recipe = options.Recipe with { NumberOfEpochs = epochs };
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
