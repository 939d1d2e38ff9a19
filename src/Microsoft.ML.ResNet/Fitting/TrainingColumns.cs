using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Images.Columns;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet;

/// <summary>Finds the columns that training reads, and checks them with ML.NET's words.</summary>
internal static class TrainingColumns
{
    private const string Schema = "inputSchema"; // the parameter that ML.NET's own trainers name
    private const string ExpectedLabel = "Key<UInt32>";

    /// <summary>Finds the columns in the schema of a view.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">The label tells fewer than two classes apart.</exception>
    public static LabeledImageColumns Find(IHost host, DataViewSchema schema, ResNetTrainer.Options options)
    {
        var feature = Find(host, schema, "feature", options.FeatureColumnName);
        var images = ImageColumn.Create(feature.Type, options.ImageColumnOptions, out var problem)
            ?? throw host.ExceptParam(
                Schema, $"Schema mismatch for feature column '{options.FeatureColumnName}': expected {ImageColumn.Expected}, {problem}.");

        var label = Find(host, schema, "label", options.LabelColumnName);
        if (label.Type is not KeyDataViewType key || key.RawType != typeof(uint))
            throw host.ExceptSchemaMismatch(Schema, "label", options.LabelColumnName, ExpectedLabel, label.Type.ToString()!);
        if (key.Count < 2)
            throw host.Except(OneClass(options.LabelColumnName));
        if (key.Count > ModelLimits.Classes) // a text loader makes keys of count 4,294,967,295 unless it is told better
            throw host.ExceptParam(Schema,
                $"The keys of label column '{options.LabelColumnName}' have room for {key.Count} classes; expected at most "
                + $"{ModelLimits.Classes}. Make the label with MapValueToKey, or give its key type the number of classes.");

        if (options.ExampleWeightColumnName is not { } weightName)
            return new(feature, images, label, null);
        var weight = Find(host, schema, "weight", weightName);
        return weight.Type == NumberDataViewType.Single
            ? new(feature, images, label, weight)
            : throw host.ExceptSchemaMismatch(Schema, "weight", weightName, NumberDataViewType.Single.ToString(), weight.Type.ToString()!);
    }

    /// <summary>Checks the columns as far as the shape of a schema tells, and returns the label column.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public static SchemaShape.Column Check(IHost host, SchemaShape schema, ResNetTrainer.Options options)
    {
        var feature = Find(host, schema, "feature", options.FeatureColumnName);
        if (!MayHoldImages(feature))
            throw host.ExceptSchemaMismatch(Schema, "feature", options.FeatureColumnName, ImageColumn.Expected, feature.GetTypeString());
        var label = Find(host, schema, "label", options.LabelColumnName);
        if (label.Kind != SchemaShape.Column.VectorKind.Scalar || !label.IsKey || label.ItemType != NumberDataViewType.UInt32)
            throw host.ExceptSchemaMismatch(Schema, "label", options.LabelColumnName, ExpectedLabel, label.GetTypeString());
        if (options.ExampleWeightColumnName is { } weightName && Find(host, schema, "weight", weightName) is var weight
            && (weight.Kind != SchemaShape.Column.VectorKind.Scalar || weight.IsKey || weight.ItemType != NumberDataViewType.Single))
            throw host.ExceptSchemaMismatch(Schema, "weight", weightName, NumberDataViewType.Single.ToString(), weight.GetTypeString());
        return label;
    }

    /// <summary>ML.NET's words for a label that tells nothing apart.</summary>
    public static string OneClass(string labelColumnName)
        => $"Only one class found in the {labelColumnName} column. To build a multiclass classification model, the number of classes "
            + "needs to be 2 or greater";

    private static bool MayHoldImages(SchemaShape.Column column) => !column.IsKey && column.Kind switch
    {
        SchemaShape.Column.VectorKind.Scalar => column.ItemType is ImageDataViewType,
        SchemaShape.Column.VectorKind.Vector => column.ItemType == NumberDataViewType.Byte || column.ItemType == NumberDataViewType.Single,
        _ => column.ItemType == NumberDataViewType.Byte,
    };

    // A missing column may have been dropped on the way: caching and shuffling keep no images (MLNET: CacheDataView,
    // RowShufflingTransformer).
    private static DataViewSchema.Column Find(IHost host, DataViewSchema schema, string role, string name)
        => schema.GetColumnOrNull(name) ?? throw Missing(host, role, name);

    private static SchemaShape.Column Find(IHost host, SchemaShape schema, string role, string name)
        => schema.TryFindColumn(name, out var column) ? column : throw Missing(host, role, name);

    private static Exception Missing(IHost host, string role, string name) => role == "feature"
        ? host.ExceptParam(Schema,
            $"Could not find feature column '{name}'. If it holds images, note that Cache, AppendCacheCheckpoint and ShuffleRows drop "
            + "Image columns: cache before the images are loaded, or after ExtractPixels.")
        : host.ExceptSchemaMismatch(Schema, role, name);
}
