using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.Transforms.Image;
using SkiaSharp;

/// <summary>Scoring throughput for each kind of image column: <c>Transform</c> against a loop over <c>PredictionEngine</c>.</summary>
internal static class ColumnKinds
{
    /// <summary>Prints a line for each kind: images per second of both, the median of the rounds.</summary>
    public static void Measure(ResNetArchitecture architecture, int count, int rounds)
    {
        var images = Image.Rows(count).ToList();
        Measure<Image>("Vector<Byte>", images, architecture, rounds);
        Measure<FloatImage>("Vector<Single>",
            [.. images.Select(
            image => new FloatImage { Features = [.. image.Features.Select(value => (float)value)], Label = image.Label })],
            architecture, rounds);
        Measure<DecodedImage>("Image",
            [.. images.Select(image => new DecodedImage { Features = Decoded(image.Features), Label = image.Label })],
            architecture, rounds);
        Measure<EncodedImage>("VarVector<Byte> (PNG)",
            [.. images.Select(image => new EncodedImage { Features = Encoded(image.Features), Label = image.Label })],
            architecture, rounds);
    }

    private static void Measure<TRow>(string kind, List<TRow> rows, ResNetArchitecture architecture, int rounds) where TRow : class, new()
    {
        var mlContext = new MLContext(seed: 1);
        var view = mlContext.Data.LoadFromEnumerable(rows);
        using var model = mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = architecture,
            Recipe = TrainingRecipe.Tutorial with { NumberOfEpochs = 1 },
            Device = ComputeDevice.Cpu,
            ImageHeight = 32,
            ImageWidth = 32,
            ImageChannels = 3,
        }).Fit(mlContext.Data.TakeRows(view, 256));
        using var engine = mlContext.Model.CreatePredictionEngine<TRow, Scored>(model);
        var batched = new List<double>();
        var single = new List<double>();
        for (var round = 0; round <= rounds; round++)
        {
            batched.Add(PerSecond(() => model.Transform(view).GetColumn<VBuffer<float>>("Score").Count()));
            single.Add(PerSecond(() => rows.Count(row => engine.Predict(row).Score.Length > 0)));
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{kind,-22} Transform {Statistics.Median(batched.Skip(1)),7:f0} images/s   PredictionEngine "
                + $"{Statistics.Median(single.Skip(1)),7:f0} images/s   ratio "
                + $"{Statistics.Median(batched.Skip(1)) / Statistics.Median(single.Skip(1)):f2}"));
    }

    private static double PerSecond(Func<int> countImages)
    {
        var clock = Stopwatch.StartNew();
        return countImages() / clock.Elapsed.TotalSeconds;
    }

    private static byte[] Interleaved(byte[] planar)
    {
        var pixels = new byte[32 * 32 * 4];
        for (var i = 0; i < 1024; i++)
            (pixels[4 * i], pixels[4 * i + 1], pixels[4 * i + 2], pixels[4 * i + 3]) = (planar[2048 + i], planar[1024 + i], planar[i], 255);
        return pixels;
    }

    private static MLImage Decoded(byte[] planar) => MLImage.CreateFromPixels(32, 32, MLPixelFormat.Bgra32, Interleaved(planar));

    private static byte[] Encoded(byte[] planar)
    {
        using var bitmap = new SKBitmap(32, 32, SKColorType.Bgra8888, SKAlphaType.Opaque);
        System.Runtime.InteropServices.Marshal.Copy(Interleaved(planar), 0, bitmap.GetPixels(), 4096);
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    private sealed class FloatImage
    {
        [VectorType(3, 32, 32)]
        public float[] Features { get; set; } = [];

        [KeyType(10)]
        public uint Label { get; set; }
    }

    private sealed class DecodedImage
    {
        [ImageType(32, 32)]
        public MLImage? Features { get; set; }

        [KeyType(10)]
        public uint Label { get; set; }
    }

    private sealed class EncodedImage
    {
        public byte[] Features { get; set; } = [];

        [KeyType(10)]
        public uint Label { get; set; }
    }
}
