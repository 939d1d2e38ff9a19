using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet;

/// <summary>The columns that training reads, found and checked.</summary>
/// <param name="Feature">The column of images.</param>
/// <param name="Images">How to read it.</param>
/// <param name="Shape">The shape of every image.</param>
/// <param name="Label">The column of labels.</param>
/// <param name="Classes">What its keys stand for.</param>
internal sealed record TrainingColumns(DataViewSchema.Column Feature, ImageColumn Images, ImageShape Shape, DataViewSchema.Column Label, ClassLabels Classes)
{
    private const string ExpectedImages = "Vector<Byte> or Vector<Single> of known size with image dimensions";
    private const string ExpectedLabels = "Key<UInt32>";

    /// <summary>Finds the columns in the schema of a view.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public static TrainingColumns Of(IHost host, DataViewSchema schema, ResNetTrainer.Options options)
    {
        var feature = schema.GetColumnOrNull(options.FeatureColumnName) ?? throw host.ExceptSchemaMismatch("inputSchema", "feature", options.FeatureColumnName);
        var images = ImageColumn.Create(feature.Type, options.ImageColumnOptions, out var problem)
            ?? throw host.ExceptParam("inputSchema", $"Schema mismatch for feature column '{options.FeatureColumnName}': expected {ExpectedImages}, {problem}.");
        var shape = images.Shape ?? throw host.ExceptParam("inputSchema", $"The size of the images in '{options.FeatureColumnName}' is not known. Set ImageHeight, ImageWidth and ImageChannels in the trainer's options.");

        var label = schema.GetColumnOrNull(options.LabelColumnName) ?? throw host.ExceptSchemaMismatch("inputSchema", "label", options.LabelColumnName);
        if (label.Type is not KeyDataViewType key || key.RawType != typeof(uint))
            throw host.ExceptSchemaMismatch("inputSchema", "label", options.LabelColumnName, ExpectedLabels, label.Type.ToString()!);
        if (key.Count < 2)
            throw host.Except($"Only one class found in the {options.LabelColumnName} column. To build a multiclass classification model, the number of classes needs to be 2 or greater");
        return new TrainingColumns(feature, images, shape, label, ClassLabels.Of(label));
    }

    /// <summary>Checks the columns as far as the shape of a schema tells, and returns the label column.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public static SchemaShape.Column Check(IHost host, SchemaShape schema, ResNetTrainer.Options options)
    {
        if (!schema.TryFindColumn(options.FeatureColumnName, out var feature))
            throw host.ExceptSchemaMismatch("inputSchema", "feature", options.FeatureColumnName);
        if (feature.Kind != SchemaShape.Column.VectorKind.Vector || feature.IsKey || feature.ItemType != NumberDataViewType.Byte && feature.ItemType != NumberDataViewType.Single)
            throw host.ExceptSchemaMismatch("inputSchema", "feature", options.FeatureColumnName, ExpectedImages, feature.GetTypeString());
        if (!schema.TryFindColumn(options.LabelColumnName, out var label))
            throw host.ExceptSchemaMismatch("inputSchema", "label", options.LabelColumnName);
        if (label.Kind != SchemaShape.Column.VectorKind.Scalar || !label.IsKey || label.ItemType != NumberDataViewType.UInt32)
            throw host.ExceptSchemaMismatch("inputSchema", "label", options.LabelColumnName, ExpectedLabels, label.GetTypeString());
        return label;
    }
}
