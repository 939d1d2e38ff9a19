using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Tests.Images;
using Microsoft.ML.ResNet.Tests.Support;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>One of the <see cref="TinyImages"/> in every form that a column of images may have, all with the same pixels.</summary>
internal sealed class ImageRow
{
    /// <summary>A <see cref="Key"/> that is missing: beyond the last class.</summary>
    public const uint NoKey = uint.MaxValue;

    /// <summary>Pixels, one colour plane after the other.</summary>
    [VectorType(3, 8, 8)]
    public byte[] Planar { get; set; } = [];

    /// <summary>Pixels, the colours side by side.</summary>
    [VectorType(8, 8, 3)]
    public byte[] Interleaved { get; set; } = [];

    /// <summary>As <see cref="Planar"/>, as numbers.</summary>
    [VectorType(3, 8, 8)]
    public float[] Floats { get; set; } = [];

    /// <summary>As <see cref="Planar"/>, without dimensions.</summary>
    [VectorType(192)]
    public byte[] Flat { get; set; } = [];

    /// <summary>A PNG file's bytes.</summary>
    public byte[] Encoded { get; set; } = [];

    /// <summary>Where the PNG file lies.</summary>
    public string Path { get; set; } = "";

    /// <summary>The class as text.</summary>
    public string Name { get; set; } = "";

    /// <summary>The class as a number.</summary>
    public float Number { get; set; }

    /// <summary>The class as a key without values: from 0 in memory, where <see cref="NoKey"/> is missing, and from 1 in a view.</summary>
    [KeyType(3)]
    public uint Key { get; set; }

    /// <summary>What the row counts.</summary>
    public float Weight { get; set; } = 1;
}

/// <summary>Makes views of <see cref="ImageRow"/>.</summary>
internal static class ImageRows
{
    /// <summary>The columns that hold images. The last four are made by ML.NET's own transforms.</summary>
    public static readonly string[] Columns =
        [nameof(ImageRow.Planar), nameof(ImageRow.Interleaved), nameof(ImageRow.Floats), nameof(ImageRow.Encoded), "Raw", "Image", "Sized",
            "Extracted"];

    /// <summary>The columns whose keys a label can be made of: text, numbers, and keys that stand for themselves.</summary>
    public static readonly string[] LabelSources = [nameof(ImageRow.Name), nameof(ImageRow.Number), nameof(ImageRow.Key)];

    private static readonly Lazy<string> Folder = new(ImageSamples.NewFolder);

    /// <summary>Rows whose classes take turns.</summary>
    public static List<ImageRow> Create(int count, int seed = 1)
        => [.. TinyImages.Rows(count, seed).Select((image, row) => Create(image, $"{seed}-{row}.png"))];

    /// <summary>
    /// A view of new rows with all columns of <see cref="Columns"/>, and a key <c>Label</c> made of <paramref name="labelSource"/>.
    /// </summary>
    public static IDataView View(MLContext ml, int count, string labelSource = nameof(ImageRow.Name), int seed = 1)
        => View(ml, Create(count, seed), labelSource);

    /// <summary>
    /// A view of given rows with all columns of <see cref="Columns"/>, and a key <c>Label</c> made of <paramref name="labelSource"/>.
    /// </summary>
    public static IDataView View(MLContext ml, IEnumerable<ImageRow> rows, string labelSource = nameof(ImageRow.Name))
    {
        IEstimator<ITransformer> label = labelSource == nameof(ImageRow.Key)
            ? ml.Transforms.CopyColumns("Label", labelSource)
            : ml.Transforms.Conversion.MapValueToKey("Label", labelSource);
        var data = ml.Data.LoadFromEnumerable(rows);
        return label
            .Append(ml.Transforms.LoadRawImageBytes("Raw", imageFolder: null, nameof(ImageRow.Path)))
            .Append(ml.Transforms.LoadImages("Image", imageFolder: null, nameof(ImageRow.Path)))
            .Append(ml.Transforms.ResizeImages("Sized", 8, 8, "Image"))
            .Append(ml.Transforms.ExtractPixels("Extracted", "Sized"))
            .Fit(data).Transform(data);
    }

    /// <summary>
    /// A view of new rows with one column of images, the key <c>Label</c> and <c>Weight</c>: few columns, for tests that read each of them
    /// many times.
    /// </summary>
    public static IDataView Narrow(MLContext ml, int count, string column = nameof(ImageRow.Planar),
        string labelSource = nameof(ImageRow.Name))
    {
        var view = View(ml, count, labelSource);
        return Without(
            ml, view, [.. view.Schema.Select(other => other.Name).Except([column, "Label", nameof(ImageRow.Weight)]).Distinct()]);
    }

    /// <summary>A view of planar images that are a pixel larger each way than all others here, and a key <c>Label</c>.</summary>
    public static IDataView Larger(MLContext ml, int count)
    {
        var data = ml.Data.LoadFromEnumerable(Create(count).Select(row => new LargerRow { Planar = new byte[243], Name = row.Name }));
        return ml.Transforms.Conversion.MapValueToKey("Label", nameof(LargerRow.Name)).Fit(data).Transform(data);
    }

    /// <summary>The same with images of one channel.</summary>
    public static IDataView Grey(MLContext ml, int count)
    {
        var data = ml.Data.LoadFromEnumerable(Create(count).Select(row => new GreyRow { Planar = new byte[64], Name = row.Name }));
        return ml.Transforms.Conversion.MapValueToKey("Label", nameof(GreyRow.Name)).Fit(data).Transform(data);
    }

    /// <summary>The view without some columns.</summary>
    public static IDataView Without(MLContext ml, IDataView view, params string[] columns)
        => ml.Transforms.DropColumns(columns).Fit(view).Transform(view);

    /// <summary>The trainer of the tests: small, fast, on the CPU.</summary>
    /// <param name="ml">The context.</param>
    /// <param name="feature">The column of images.</param>
    /// <param name="epochs">Passes over the rows.</param>
    /// <param name="change">Changes the options.</param>
    public static ResNetTrainer Trainer(MLContext ml, string feature = nameof(ImageRow.Planar), int epochs = 1,
        Action<ResNetTrainer.Options>? change = null)
    {
        var options = TinyImages.Options(epochs);
        options.FeatureColumnName = feature;
        change?.Invoke(options);
        return ml.MulticlassClassification.Trainers.ResNet(options);
    }

    private static ImageRow Create(TinyImage image, string file)
    {
        var planar = image.Features;
        var plane = TinyImages.Shape.PlaneSize;
        var encoded =
            ImageSamples.Encode(8, 8, (x, y) => new SKColor(planar[y * 8 + x], planar[plane + y * 8 + x], planar[2 * plane + y * 8 + x]));
        var path = System.IO.Path.Combine(Folder.Value, file);
        File.WriteAllBytes(path, encoded);
        var key = Array.IndexOf(TinyImages.Classes, image.Label);
        return new ImageRow
        {
            Planar = planar,
            Interleaved = [.. Enumerable.Range(0, planar.Length).Select(i => planar[i % 3 * plane + i / 3])],
            Floats = [.. planar.Select(value => (float)value)],
            Flat = planar,
            Encoded = encoded,
            Path = path,
            Name = image.Label,
            Number = 10 * (key + 1),
            Key = (uint)key,
        };
    }

    private sealed class GreyRow
    {
        [VectorType(8, 8)]
        public byte[] Planar { get; set; } = [];

        public string Name { get; set; } = "";
    }

    private sealed class LargerRow
    {
        [VectorType(3, 9, 9)]
        public byte[] Planar { get; set; } = [];

        public string Name { get; set; } = "";
    }
}
