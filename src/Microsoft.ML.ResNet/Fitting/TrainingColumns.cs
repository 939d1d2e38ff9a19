using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Images.Columns;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet.Fitting;

/// <summary>The columns that training reads, by name. Finds them, and checks them with ML.NET's words.</summary>
/// <param name="Feature">The column of images.</param>
/// <param name="Label">The column of keys.</param>
/// <param name="Weight">The column of what each row counts; <see langword="null"/> where all count the same.</param>
/// <param name="ImageOptions">What the caller says about images.</param>
internal sealed record TrainingColumns(string Feature, string Label, string? Weight, ImageColumnOptions ImageOptions)
{
    private const string Schema = "inputSchema"; // the parameter that ML.NET's own trainers name
    private const string ExpectedLabel = "Key<UInt32>";
    private const int MostListed = 10;

    /// <summary>Finds the columns in the schema of a view.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">The label tells fewer than two classes apart.</exception>
    public LabeledImageColumns Find(IHost host, DataViewSchema schema)
    {
        var feature = Find(host, schema, "feature", Feature);
        var images = ImageColumnKind.Create(feature.Type, ImageOptions, out var problem)
            ?? throw host.ExceptParam(
                Schema, $"Schema mismatch for feature column '{Feature}': expected {ImageColumnKind.Expected}, {problem}.");

        var label = Find(host, schema, "label", Label);
        if (label.Type is not KeyDataViewType key || key.RawType != typeof(uint))
            throw NoKey(host, label.Type is TextDataViewType or NumberDataViewType or BooleanDataViewType, label.Type.ToString()!);
        if (key.Count < 2)
            throw host.Except(OneClass());
        if (key.Count > ModelLimits.Classes) // a text loader makes keys of count 4,294,967,295 by default
            throw host.ExceptParam(Schema,
                $"The keys of label column '{Label}' have room for {key.Count} classes; expected at most "
                + $"{ModelLimits.Classes}. Make the label with MapValueToKey, or give its key type the number of classes.");

        if (Weight is not { } weightName)
            return new(feature, images, label, null);
        var weight = Find(host, schema, "weight", weightName);
        return weight.Type == NumberDataViewType.Single
            ? new(feature, images, label, weight)
            : throw host.ExceptSchemaMismatch(Schema, "weight", weightName, NumberDataViewType.Single.ToString(), weight.Type.ToString()!);
    }

    /// <summary>Checks the columns as far as the shape of a schema tells, and returns the label column.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public SchemaShape.Column Check(IHost host, SchemaShape schema)
    {
        var feature = Find(host, schema, "feature", Feature);
        if (!MayHoldImages(feature))
            throw host.ExceptSchemaMismatch(Schema, "feature", Feature, ImageColumnKind.Expected, feature.GetTypeString());
        var label = Find(host, schema, "label", Label);
        if (label.Kind != SchemaShape.Column.VectorKind.Scalar || !label.IsKey || label.ItemType != NumberDataViewType.UInt32)
            throw NoKey(host, label is { Kind: SchemaShape.Column.VectorKind.Scalar, IsKey: false }
                && label.ItemType is TextDataViewType or NumberDataViewType or BooleanDataViewType, label.GetTypeString());
        if (Weight is { } weightName && Find(host, schema, "weight", weightName) is var weight
            && (weight.Kind != SchemaShape.Column.VectorKind.Scalar || weight.IsKey || weight.ItemType != NumberDataViewType.Single))
            throw host.ExceptSchemaMismatch(Schema, "weight", weightName, NumberDataViewType.Single.ToString(), weight.GetTypeString());
        return label;
    }

    /// <summary>ML.NET's words for a label of a single class.</summary>
    public string OneClass()
        => $"Only one class found in the {Label} column. To build a multiclass classification model, the number of classes "
            + "needs to be 2 or greater";

    private static bool MayHoldImages(SchemaShape.Column column) => !column.IsKey && column.Kind switch
    {
        SchemaShape.Column.VectorKind.Scalar => column.ItemType is ImageDataViewType,
        SchemaShape.Column.VectorKind.Vector => column.ItemType == NumberDataViewType.Byte || column.ItemType == NumberDataViewType.Single,
        _ => column.ItemType == NumberDataViewType.Byte,
    };

    // The advice follows ML.NET's own sentence, which tests and users know.
    private ArgumentOutOfRangeException NoKey(IHost host, bool canBeMapped, string type)
    {
        var error = host.ExceptSchemaMismatch(Schema, "label", Label, ExpectedLabel, type);
        return canBeMapped
            ? (ArgumentOutOfRangeException)host.ExceptParam(Schema,
                $"{Sentence(error)} Put mlContext.Transforms.Conversion.MapValueToKey(\"{Label}\") in front of the trainer.")
            : (ArgumentOutOfRangeException)error;
    }

    private static DataViewSchema.Column Find(IHost host, DataViewSchema schema, string role, string name)
        => schema.GetColumnOrNull(name)
            ?? throw Missing(host, role, name, schema.Where(column => !column.IsHidden).Select(column => column.Name));

    private static SchemaShape.Column Find(IHost host, SchemaShape schema, string role, string name)
        => schema.TryFindColumn(name, out var column) ? column : throw Missing(host, role, name, schema.Select(other => other.Name));

    // A missing column may have been dropped on the way: caching and shuffling keep no images (MLNET: CacheDataView,
    // RowShufflingTransformer).
    private static Exception Missing(IHost host, string role, string name, IEnumerable<string> found)
    {
        var columns = found.Select(other => $"'{other}'").ToList();
        var there = columns.Count == 0
            ? "There are no columns."
            : $"There are {string.Join(", ", columns.Take(MostListed))}{(columns.Count > MostListed ? ", ..." : "")}.";
        var hint = role == "feature"
            ? " If it holds images, note that Cache, AppendCacheCheckpoint and ShuffleRows drop Image columns: cache before the images are "
                + "loaded, or after ExtractPixels."
            : "";
        return host.ExceptParam(Schema, $"Could not find {role} column '{name}'. {there}{hint}");
    }

    // Without "(Parameter 'inputSchema')", which .NET adds.
    private static string Sentence(Exception error)
        => error.Message.Split(" (Parameter", 2)[0].Split(Environment.NewLine, 2)[0].TrimEnd('.') + ".";
}
