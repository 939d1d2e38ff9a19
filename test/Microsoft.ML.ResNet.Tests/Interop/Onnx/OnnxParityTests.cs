using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Interop.Onnx;

/// <summary>The files in ONNX Runtime against our own scores, and against PyTorch's numbers.</summary>
[TestClass]
public class OnnxParityTests
{
    private const float Tolerance = 1e-5f;

    public required TestContext TestContext { get; set; }

    /// <summary>Every family, block, stem, shortcut and bias, on images of many shapes.</summary>
    public static IEnumerable<object[]> Families =>
    [
        ["cifar-8", ResNetArchitecture.Parse("cifar-8"), new ImageShape(3, 32, 32)],
        ["cifar-11 (bottleneck)", ResNetArchitecture.Parse("cifar-11"), new ImageShape(3, 32, 32)],
        ["cifar-20-optionA", ResNetArchitecture.Parse("cifar-20-optionA"), new ImageShape(3, 32, 32)],
        ["cifar-11-bottleneck-optionA", ResNetArchitecture.Parse("cifar-11-bottleneck-optionA"), new ImageShape(3, 33, 29)],
        ["cifar-56", ResNetArchitecture.Parse("cifar-56"), new ImageShape(3, 32, 32)],
        ["imagenet-18", ResNetArchitecture.Parse("imagenet-18"), new ImageShape(3, 64, 64)],
        ["imagenet-18-cifarstem", ResNetArchitecture.Parse("imagenet-18-cifarstem"), new ImageShape(3, 32, 32)],
        ["imagenet-18-optionA", ResNetArchitecture.Parse("imagenet-18-optionA"), new ImageShape(3, 65, 47)],
        ["imagenet-34", ResNetArchitecture.Parse("imagenet-34"), new ImageShape(3, 32, 32)],
        ["imagenet-50", ResNetArchitecture.Parse("imagenet-50"), new ImageShape(3, 32, 32)],
        ["d2l-resnet18-1channel", ResNetArchitecture.D2l18(), new ImageShape(1, 64, 64)],
        ["biased, bare projection, 1 channel",
            ResNetArchitecture.ImageNet(18) with { ConvolutionBias = true, Shortcut = ResNetShortcut.BareProjection },
            new ImageShape(1, 64, 64)],
        ["biased, projection, 4 channels", ResNetArchitecture.Cifar(8) with { ConvolutionBias = true }, new ImageShape(4, 33, 29)],
        ["stride 3, widths that odd numbers pad", Odd(ResNetShortcut.Padding), new ImageShape(2, 17, 31)],
        ["bare projection without bias", Odd(ResNetShortcut.BareProjection), new ImageShape(3, 31, 17)],
        ["one pixel", ResNetArchitecture.Parse("imagenet-18"), new ImageShape(1, 1, 1)],
    ];

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void Probabilities_are_those_of_the_transformer(string name, ResNetArchitecture architecture, ImageShape shape)
    {
        var model = ExportedModel.Create(architecture, shape, "a", "b", "c", "d", "e", "f", "g");
        using var transformer = ExportedModel.Transformer(model);
        using var bytes = new OnnxSession(ExportedModel.Export(model));
        using var floats = new OnnxSession(ExportedModel.Export(model, new() { Input = OnnxInput.Float32 }));

        var worst = 0f;
        foreach (var count in new[] { 1, 5 })
        {
            var images = ExportedModel.Images(shape, count);
            var pixels = images.SelectMany(image => image).ToArray();
            var expected = transformer.Transform(ExportedModel.View(shape, images)).GetColumn<float[]>("Score").ToArray();
            Assert.IsLessThan(0.999f, expected.Max(row => row.Max()), "Certain predictions would hide errors.");
            worst = Math.Max(worst, Difference(expected, bytes.Run(pixels, count, shape)));
            worst = Math.Max(worst, Difference(expected, floats.Run(Array.ConvertAll(pixels, pixel => (float)pixel), count, shape)));
        }
        TestContext.WriteLine($"{name}, {shape}: worst absolute error {worst:0.0e+0}");
        Assert.IsLessThanOrEqualTo(Tolerance, worst, name);
    }

    [TestMethod]
    [DataRow("cifar-20")]
    [DataRow("cifar-47")]
    [DataRow("cifar-110")]
    [DataRow("cifar-20-optionA")]
    [DataRow("imagenet-18")]
    [DataRow("imagenet-50")]
    [DataRow("imagenet-18-cifarstem")]
    public void Logits_are_those_of_PyTorch(string name)
    {
        var golden = new GoldenNetwork(name);
        var (count, shape) = (golden.InputShape[0], new ImageShape(golden.InputShape[1], golden.InputShape[2], golden.InputShape[3]));
        // the golden images are normalised already
        var identity = new Normalization(new float[shape.Channels], [.. Enumerable.Repeat(1 / 255f, shape.Channels)]);
        var model = new TrainedResNet(ResNetArchitecture.Parse(name), shape, identity, new ClassLabels(golden.Classes), golden.Weights());
        using var session = new OnnxSession(ExportedModel.Export(model, new() { Input = OnnxInput.Float32 }));

        var logits = session.Run(GoldenNoise.Images(count, shape.Channels, shape.Height, shape.Width), count, shape, "logits");

        var expected = golden.EvaluationLogits;
        var error = Difference(
            expected, [.. logits.Select((row, i) => row[..expected[i].Length])]) / expected.Max(row => row.Max(Math.Abs));
        TestContext.WriteLine($"{name}: worst error of logits {error:0.0e+0}, relative to the largest");
        Assert.IsLessThanOrEqualTo(1e-4f, error); // the tolerance of Golden/README.md
    }

    [TestMethod]
    public void Probabilities_are_the_softmax_of_logits()
    {
        var model = ExportedModel.Tiny();
        using var session = new OnnxSession(ExportedModel.Export(model));
        var pixels = ExportedModel.Images(model.Shape, 1)[0];

        var logits = session.Run(pixels, 1, model.Shape, "logits")[0];

        var sum = logits.Sum(logit => Math.Exp(logit));
        Assert.IsLessThan(
            1e-6f, Difference([[.. logits.Select(logit => (float)(Math.Exp(logit) / sum))]], session.Run(pixels, 1, model.Shape)));
    }

    private static ResNetArchitecture Odd(ResNetShortcut shortcut)
        => ResNetArchitecture.Cifar(8) with { StemWidth = 5, Shortcut = shortcut, Stages = [new(8, 1, 1), new(8, 2, 3), new(13, 1, 2)] };

    private static float Difference(float[][] expected, float[][] found)
    {
        Assert.HasCount(expected.Length, found);
        return expected.Zip(found, (one, other) => one.Zip(other, (a, b) => Math.Abs(a - b)).Max()).Max();
    }
}
