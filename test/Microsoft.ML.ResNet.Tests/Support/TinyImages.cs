using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>One labelled image of 3x8x8 pixels, planar.</summary>
internal sealed class TinyImage
{
    [VectorType(3, 8, 8)]
    public byte[] Features { get; set; } = [];

    public string Label { get; set; } = "";
}

/// <summary>
/// A generated set that a small network learns in seconds: each class is bright in a place and colour of its own, under noise.
/// </summary>
internal static class TinyImages
{
    public static readonly ImageShape Shape = new(3, 8, 8);

    public static readonly string[] Classes = ["red left", "green right", "blue top"];

    /// <summary>A network of 8 layers and a recipe of a few epochs for these images.</summary>
    public static ResNetTrainer.Options Options(int epochs = 4) => new()
    {
        Architecture = ResNetArchitecture.Cifar(8),
        Recipe = TrainingRecipe.Tutorial with
        {
            NumberOfEpochs = epochs,
            BatchSize = 16,
            LearningRate = 0.05,
            Augmentation = AugmentationPolicy.None
        },
        Device = ComputeDevice.Cpu,
    };

    /// <summary>Rows whose classes take turns.</summary>
    public static IReadOnlyList<TinyImage> Rows(int count, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count)
            .Select(row => new TinyImage { Features = Draw(row % Classes.Length, random), Label = Classes[row % Classes.Length] })];
    }

    /// <summary>The same rows as a view with text labels.</summary>
    public static IDataView View(MLContext ml, int count, int seed = 1) => ml.Data.LoadFromEnumerable(Rows(count, seed));

    private static byte[] Draw(int label, Random random)
    {
        var pixels = new byte[Shape.Size];
        random.NextBytes(pixels);
        for (var y = 0; y < Shape.Height; y++)
            for (var x = 0; x < Shape.Width; x++)
            {
                var isBright = label switch { 0 => x < 4, 1 => x >= 4, _ => y < 4 };
                ref var pixel = ref pixels[label * Shape.PlaneSize + y * Shape.Width + x];
                pixel = (byte)(pixel / 2 + (isBright ? 128 : 0));
            }
        return pixels;
    }
}
