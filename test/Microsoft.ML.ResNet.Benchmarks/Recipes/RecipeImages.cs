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
    /// <param name="heldOut">
    /// Measures on every tenth row of the part <c>train</c>, which is not learned from, and leaves the part <c>test</c> alone.
    /// </param>
    public static RecipeImages Load(MLContext mlContext, string path, int? trainRows, bool heldOut)
    {
        var folders = Part(mlContext, path, "train");
        var keys = mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(folders);
        var train = keys.Transform(folders);
        var rows = Rows(mlContext, train);
        Row[] learned = heldOut ? [.. rows.Where((_, row) => row % 10 != 0)] : rows;
        Row[] measured = heldOut
            ? [.. rows.Where((_, row) => row % 10 == 0)]
            : Rows(mlContext, keys.Transform(Part(mlContext, path, "test")));
        // Classes follow one another, so every nth row holds all of them equally often.
        if (trainRows is { } wanted && wanted < learned.Length)
            learned = [.. Enumerable.Range(0, wanted).Select(row => learned[(long)row * learned.Length / wanted])];
        return new(View(mlContext, learned, train.Schema), View(mlContext, measured, train.Schema));
    }

    private static IDataView Part(MLContext mlContext, string path, string part)
        => mlContext.Data.LoadFromImageFolder(path, new ImageFolderOptions { Subfolder = part });

    private static Row[] Rows(MLContext mlContext, IDataView view)
    {
        var rows = mlContext.Data.CreateEnumerable<Row>(view, reuseRowObject: false, ignoreMissingColumns: false).ToArray();
        foreach (var row in rows)
            row.Label--; // keys count from 1 in a view, and from 0 in the memory that a view is made of
        return rows;
    }

    private static IDataView View(MLContext mlContext, Row[] rows, DataViewSchema columns)
    {
        var schema = SchemaDefinition.Create(typeof(Row));
        schema[nameof(Row.Features)].ColumnType = columns[nameof(Row.Features)].Type;
        schema[nameof(Row.Label)].ColumnType = columns[nameof(Row.Label)].Type;
        return mlContext.Data.LoadFromEnumerable(rows, schema);
    }

    private sealed class Row
    {
        public byte[] Features { get; set; } = [];

        public uint Label { get; set; }
    }
}
