using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

namespace Microsoft.ML;

/// <summary>Turns labels into the keys of a model, as an addition to <see cref="TransformsCatalog.ConversionTransforms"/>.</summary>
public static class ResNetConversionCatalog
{
    /// <summary>Maps labels to keys in the order of a model's classes, so that they can be compared with what the model predicts.</summary>
    /// <param name="catalog">The catalog: <c>mlContext.Transforms.Conversion</c>.</param>
    /// <param name="model">The model whose classes the labels are.</param>
    /// <param name="outputColumnName">The column of keys to make. The default is <c>Label</c>.</param>
    /// <param name="inputColumnName">
    /// The column of labels, values of the type of the model's classes; <see langword="null"/> is <paramref name="outputColumnName"/>.
    /// </param>
    /// <returns>
    /// The estimator. It learns nothing from the data that it is fitted to. A label that is none of the model's classes becomes a missing
    /// key.
    /// </returns>
    /// <remarks>
    /// <c>MapValueToKey("Label")</c> numbers classes in the order in which it meets them. Fitted to other data than the model was trained
    /// with, it gives other numbers to the same classes, and <c>Evaluate</c>, which compares numbers, then reports an accuracy that means
    /// nothing. A model that was imported from a weights file has its order from the list of its class names. In a pipeline that was
    /// trained and saved as a whole the labels are mapped rightly already.
    /// <code>
    /// var keyed = mlContext.Transforms.Conversion.MapLabelToKey(model).Fit(test).Transform(test);
    /// var metrics = mlContext.MulticlassClassification.Evaluate(model.Transform(keyed));
    /// </code>
    /// </remarks>
    /// <exception cref="ArgumentException">
    /// The model's classes have no values: its labels were keys that stood for nothing but themselves, and need no mapping.
    /// </exception>
    public static ValueToKeyMappingEstimator MapLabelToKey(
        this TransformsCatalog.ConversionTransforms catalog,
        ResNetTransformer model,
        string outputColumnName = DefaultColumnNames.Label,
        string? inputColumnName = null)
    {
        Contracts.CheckValue(catalog, nameof(catalog));
        Contracts.CheckValue(model, nameof(model));
        Contracts.CheckNonEmpty(outputColumnName, nameof(outputColumnName));
        var classes = new ArrayDataViewBuilder(CatalogUtils.GetEnvironment(catalog));
        Contracts.CheckParam(ClassKeys.TryAddTo(classes, "Class", model.Model.Network.Classes), nameof(model),
            "The classes of the model have no values that labels could be mapped from; its labels are keys already.");
        return catalog.MapValueToKey(outputColumnName, inputColumnName, keyData: classes.GetDataView());
    }
}
