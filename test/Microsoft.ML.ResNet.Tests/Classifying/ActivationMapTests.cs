using System.Runtime.InteropServices;
using Google.Protobuf;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Interop.Onnx.Schema;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Tests.Images;
using Microsoft.ML.ResNet.Tests.Interop.Onnx;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Classifying;

/// <summary>Where a network looks: against ONNX Runtime's last feature map and logits, and against where the object really is.</summary>
[TestClass]
public class ActivationMapTests
{
    private const string LastMap = "lastMap";

    [TestMethod]
    [DataRow("cifar-8", 3, 33, 30, false, true)]
    [DataRow("cifar-8", 1, 16, 17, true, true)]
    [DataRow("cifar-11-bottleneck-optionA", 3, 32, 32, true, true)]
    [DataRow("cifar-11-bottleneck-optionA", 3, 32, 32, true, false)]
    [DataRow("imagenet-18", 3, 71, 64, false, true)]
    [DataRow("imagenet-50", 3, 64, 64, false, true)]
    [DataRow("d2l-resnet18-1channel", 1, 64, 64, false, true)]
    public void Maps_are_the_head_over_ONNX_Runtimes_last_feature_map_and_their_mean_is_its_logit(string name, int channels, int height,
        int width, bool flips, bool kernels)
    {
        var shape = new ImageShape(channels, height, width);
        var model = ExportedModel.Create(ResNetArchitecture.Parse(name), shape, "a", "b", "c") with { TestTimeFlip = flips };
        using var transformer = Transformer(model, kernels);
        var classifier = transformer.CreateClassifier();
        var image = ExportedModel.Images(shape, 1)[0];
        var logits = Logits(model, image);
        var maps = HeadOverLastMap(model, image); // of the image alone

        for (var index = 0; index < 3; index++)
        {
            var prediction = classifier.Predict(Png(image, shape), new() { WithActivationMap = true, ActivationMapClass = index });
            var map = prediction.Map!;

            Assert.AreEqual((index, "abc"[index..(index + 1)]), (map.ClassIndex, map.ClassName));
            Assert.AreEqual(map.Height * map.Width, map.Values.Length);
            Assert.AreEqual(new PictureArea { Height = 1, Width = 1 }, map.Area);
            var scale = logits.Max(Math.Abs);
            Assert.AreEqual(logits[index], map.Logit, 5e-5f * scale);
            Assert.AreEqual(map.Values.ToArray().Average(value => (double)value) + map.Bias, map.Logit, 1e-6 * scale);
            if (!flips)
                Assert.IsLessThan(2e-5 * maps[index].Max(Math.Abs),
                    maps[index].Zip(map.Values.ToArray(), (x, y) => Math.Abs(x - y)).Max());
        }
    }

    [TestMethod]
    public void Without_a_wish_there_is_no_map_and_without_a_class_it_is_the_likeliests()
    {
        using var transformer = ExportedModel.Transformer(ExportedModel.Tiny());
        var classifier = transformer.CreateClassifier();
        var picture = ImageSamples.Plain(200, 30, 90, 8, 8);

        Assert.IsNull(classifier.Predict(picture).Map);
        var prediction = classifier.Predict(picture, new() { WithActivationMap = true });
        Assert.AreEqual(prediction.Top[0].Index, prediction.Map!.ClassIndex);
    }

    [TestMethod]
    public void A_mirror_images_map_is_the_mirrored_map_where_the_network_looks_at_both()
    {
        var model = ExportedModel.Tiny() with { TestTimeFlip = true };
        using var transformer = ExportedModel.Transformer(model);
        var classifier = transformer.CreateClassifier();
        var image = ExportedModel.Images(model.Shape, 1)[0];
        var mirrored = image.Chunk(model.Shape.Width).SelectMany(row => row.Reverse()).ToArray();

        var (one, other) = (Map(image), Map(mirrored));

        for (var row = 0; row < one.Height; row++)
            for (var column = 0; column < one.Width; column++)
                Assert.AreEqual(one.Values.Span[row * one.Width + column],
                    other.Values.Span[row * one.Width + one.Width - 1 - column], 1e-5f);

        ActivationMap Map(byte[] pixels)
            => classifier.Predict(Png(pixels, model.Shape), new() { WithActivationMap = true, ActivationMapClass = 1 }).Map!;
    }

    [TestMethod]
    public void The_network_looks_at_the_object_wherever_it_lies_in_a_picture_of_another_size()
    {
        var ml = new MLContext(seed: 1);
        var random = new Random(3);
        var rows = Enumerable.Range(0, 240).Select(row => Blob.Draw(random, row % Blob.Colors.Length, Blob.Side, Blob.Side)).ToList();
        var data = ml.Data.LoadFromEnumerable(rows.Select(blob => new Row { Features = blob.Png, Label = blob.Color }));
        data = ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);
        using var model = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.Cifar(8),
            ImageHeight = Blob.Side,
            ImageWidth = Blob.Side,
            Recipe = TrainingRecipe.Tutorial with { NumberOfEpochs = 5, BatchSize = 16, LearningRate = 0.05, Augmentation = [] },
            ImageGeometry = ImageGeometry.CenterCrop with { CropRatio = 1 },
            Device = ComputeDevice.Cpu,
        }).Fit(data);
        var classifier = model.CreateClassifier();

        var (right, hit, trials) = (0, 0, 60);
        for (var trial = 0; trial < trials; trial++)
        {
            var blob = Blob.Draw(random, trial % Blob.Colors.Length, 3 * Blob.Side, 2 * Blob.Side); // the sides are cut off
            var prediction = classifier.Predict(blob.Png, new() { WithActivationMap = true });
            right += prediction.Top[0].Name == blob.Color ? 1 : 0;
            hit += IsNear(blob, prediction.Map!) ? 1 : 0;
        }

        Assert.IsGreaterThan(trials * 9 / 10, right, "classes");
        Assert.IsGreaterThan(trials * 8 / 10, hit, "places");
    }

    // The middle of the place with the highest value lies on the object, or no more than a place beside it; by chance, one in five does.
    private static bool IsNear(Blob blob, ActivationMap map)
    {
        var best = Enumerable.Range(0, map.Values.Length).MaxBy(place => map.Values.Span[place]);
        var x = map.Area.Left + (best % map.Width + 0.5) / map.Width * map.Area.Width;
        var y = map.Area.Top + (best / map.Width + 0.5) / map.Height * map.Area.Height;
        return Math.Abs(x * blob.Width - blob.CentreX) <= Blob.Size / 2 + blob.Width * map.Area.Width / map.Width
            && Math.Abs(y * blob.Height - blob.CentreY) <= Blob.Size / 2 + blob.Height * map.Area.Height / map.Height;
    }

    private static float[] Logits(TrainedResNet model, byte[] image)
    {
        using var session = new OnnxSession(ExportedModel.Export(model));
        return session.Run(image, 1, model.Shape, "logits")[0];
    }

    private static double[][] HeadOverLastMap(TrainedResNet model, byte[] image)
    {
        var file = ModelProto.Parser.ParseFrom(ExportedModel.Export(model with { TestTimeFlip = false }));
        var map = file.Graph.Node.Single(node => node.OpType == "GlobalAveragePool").Input[0];
        file.Graph.Node.Add(new NodeProto { OpType = "Identity", Name = LastMap, Input = { map }, Output = { LastMap } });
        file.Graph.Output.Add(new ValueInfoProto
        {
            Name = LastMap,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = 1 } },
        });
        using var session = new OnnxSession(file.ToByteArray());
        var values = session.Run(image, 1, model.Shape, LastMap)[0]; // channels x height x width
        var (channels, places) = (model.Architecture.FeatureWidth, values.Length / model.Architecture.FeatureWidth);
        var weights = MemoryMarshal.Cast<byte, float>(model.Weights.Single(tensor => tensor.Shape is [3, var width] && width == channels)
            .Data.Span).ToArray();
        return [.. Enumerable.Range(0, 3).Select(index => Enumerable.Range(0, places).Select(place => Enumerable.Range(0, channels)
            .Sum(channel => (double)weights[index * channels + channel] * values[channel * places + place])).ToArray())];
    }

    private static ResNetTransformer Transformer(TrainedResNet model, bool kernels)
        => new(new MLContext(seed: 1), model, new ModelColumns("Features", "Label", "Score", "PredictedLabel", PixelLayout.Planar,
            ChannelOrder.Rgb), new ResNetNumerics { CpuKernelsForScoring = kernels });

    private static byte[] Png(byte[] planar, ImageShape shape) => ImageSamples.Encode(shape.Width, shape.Height, (x, y) =>
    {
        byte Plane(int channel) => planar[channel % shape.Channels * shape.PlaneSize + y * shape.Width + x];
        return new SKColor(Plane(0), Plane(1), Plane(2));
    });

    /// <summary>A square of a colour on noise.</summary>
    private sealed record Blob(byte[] Png, string Color, int Width, int Height, double CentreX, double CentreY)
    {
        public const int Side = 32, Size = 8;

        public static readonly SKColor[] Colors = [SKColors.Red, SKColors.Lime, SKColors.Blue];

        public static Blob Draw(Random random, int color, int width, int height)
        {
            var side = Math.Min(width, height);
            var size = Size * side / Side; // as large in the network's image
            var (left, top) = ((width - side) / 2 + random.Next(side - size), (height - side) / 2 + random.Next(side - size));
            var png = ImageSamples.Encode(width, height, (x, y) => x >= left && x < left + size && y >= top && y < top + size
                ? Colors[color]
                : new SKColor((byte)random.Next(128), (byte)random.Next(128), (byte)random.Next(128)));
            return new(png, $"{color}", width, height, left + size / 2.0, top + size / 2.0);
        }
    }

    private sealed class Row
    {
        public byte[] Features { get; set; } = [];

        public string Label { get; set; } = "";
    }
}
