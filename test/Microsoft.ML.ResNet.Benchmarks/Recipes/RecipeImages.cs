using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;

namespace Benchmarks.Recipes;

/// <summary>Images of a folder or zip with the parts <c>train</c> and <c>test</c>, decoded once and kept.</summary>
internal sealed class RecipeImages
{
    private RecipeImages(IDataView train, IDataView test)
    {
        Train = train;
        Test = test;
    }

    /// <summary>The rows to learn from.</summary>
    public IDataView Train { get; }

    /// <summary>The rows to measure on.</summary>
    public IDataView Test { get; }

    /// <summary>Decodes the images.</summary>
    /// <param name="mlContext">The environment.</param>
    /// <param name="path">The folder or zip.</param>
    /// <param name="trainRows">
    /// How many rows to learn from, spread evenly over the classes' folders; <see langword="null"/> takes all.
    /// </param>
    public static RecipeImages Load(MLContext mlContext, string path, int? trainRows)
    {
        IDataView train = Part(mlContext, path, "train"), test = Part(mlContext, path, "test");
        var keys = mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(train);
        return new(Keep(mlContext, keys.Transform(train), trainRows), Keep(mlContext, keys.Transform(test), null));
    }

    private static IDataView Part(MLContext mlContext, string path, string part)
        => mlContext.Data.LoadFromImageFolder(path, new ImageFolderOptions { Subfolder = part });

    private static IDataView Keep(MLContext mlContext, IDataView view, int? rows)
    {
        var all = mlContext.Data.CreateEnumerable<Row>(view, reuseRowObject: false, ignoreMissingColumns: false).ToArray();
        foreach (var row in all)
            row.Label--; // keys count from 1 in a view, and from 0 in the memory that a view is made of
        // Classes follow one another, so every nth row holds all of them equally often.
        var kept = rows is { } wanted && wanted < all.Length
            ? [.. Enumerable.Range(0, wanted).Select(row => all[(long)row * all.Length / wanted])]
            : all;
        var schema = SchemaDefinition.Create(typeof(Row));
        schema[nameof(Row.Features)].ColumnType = view.Schema[nameof(Row.Features)].Type;
        schema[nameof(Row.Label)].ColumnType = view.Schema[nameof(Row.Label)].Type;
        return mlContext.Data.LoadFromEnumerable(kept, schema);
    }

    private sealed class Row
    {
        public byte[] Features { get; set; } = [];

        public uint Label { get; set; }
    }
}
