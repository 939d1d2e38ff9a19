using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Cpu.Inference;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Tests.Interop.Onnx;

namespace Microsoft.ML.ResNet.Tests.Cpu.Inference;

/// <summary>The library's own convolutions against libtorch's, and against PyTorch's numbers.</summary>
[TestClass]
public class CpuEngineTests
{
    private const float Tolerance = 1e-5f;

    public required TestContext TestContext { get; set; }

    /// <summary>
    /// The networks of the ONNX comparison and one whose blocks of channels are odd in number, with each kernel.
    /// </summary>
    public static IEnumerable<object[]> Networks
        => from family in OnnxParityTests.Families.Append(
            ["48 and 40 channels", ResNetArchitecture.Cifar(8) with { StemWidth = 48, Stages = [new(48, 2, 1), new(40, 2, 2)] },
            new ImageShape(3, 20, 36)])
           from kernel in Kernels()
           select (object[])[family[0], family[1], family[2], kernel];

    [TestMethod]
    [DynamicData(nameof(Networks))]
    public void Probabilities_are_libtorchs(string name, ResNetArchitecture architecture, ImageShape shape, string kernel)
    {
        var model = ExportedModel.Create(architecture, shape, "a", "b", "c", "d", "e", "f", "g");
        using var reference = new BatchScorer(model, new TorchEngine(model));
        using var direct = new BatchScorer(model, new CpuEngine(model, Create(kernel), threads: 2));
        foreach (var count in new[] { 1, 5 })
        {
            var pixels = ExportedModel.Images(shape, count).SelectMany(image => image).ToArray();
            var expected = Score(reference, pixels, count);
            var worst = expected.Zip(Score(direct, pixels, count), (one, other) => Math.Abs(one - other)).Max();
            TestContext.WriteLine($"{name}, {kernel}, {count} images: worst absolute error {worst:0.0e+0}");
            Assert.IsLessThan(0.999f, expected.Max(), "Certain predictions would hide errors.");
            Assert.IsLessThanOrEqualTo(Tolerance, worst, name); // false for NaN
        }
    }

    [TestMethod]
    [DataRow("cifar-20")]
    [DataRow("cifar-56")]
    [DataRow("cifar-20-optionA")]
    [DataRow("imagenet-18")]
    [DataRow("imagenet-50")]
    [DataRow("imagenet-18-cifarstem")]
    public void Logits_are_those_of_ONNX_Runtime(string name)
    {
        var model = ExportedModel.Create(ResNetArchitecture.Parse(name), new ImageShape(3, 32, 32),
            [.. Enumerable.Range(0, 37).Select(index => $"{index}")]);
        using var session = new OnnxSession(ExportedModel.Export(model));
        using var engine = new CpuEngine(model, TileKernel.Fastest, threads: 2);
        var pixels = ExportedModel.Images(model.Shape, 3).SelectMany(image => image).ToArray();
        var expected = session.Run(pixels, 3, model.Shape, "logits").SelectMany(row => row).ToArray();
        var logits = new float[3 * 37];

        engine.Run(pixels, 3, NetworkOutput.Logits, logits);

        var worst = expected.Zip(logits, (one, other) => Math.Abs(one - other)).Max() / expected.Max(Math.Abs);
        TestContext.WriteLine($"{name}: worst error {worst:0.0e+0}, relative to the largest logit");
        Assert.IsLessThanOrEqualTo(Tolerance, worst);
    }

    [TestMethod]
    public void Scores_are_the_same_bits_in_any_batch_with_any_kernel_on_any_number_of_threads()
    {
        var model = ExportedModel.Create(ResNetArchitecture.Parse("cifar-11"), new ImageShape(3, 9, 7), "a", "b", "c");
        var pixels = ExportedModel.Images(model.Shape, 40).SelectMany(image => image).ToArray();
        using var alone = new BatchScorer(model, new CpuEngine(model, TileKernel.Fastest, threads: 1));
        var expected = Enumerable.Range(0, 40).SelectMany(image => Score(alone, pixels.AsMemory(image * model.Shape.Size), 1)).ToArray();

        foreach (var kernel in Kernels())
            foreach (var threads in new[] { 1, 2, 3, 16 })
            {
                using var scorer = new BatchScorer(model, new CpuEngine(model, Create(kernel), threads));
                foreach (var size in new[] { 1, 2, 7, 40 })
                    CollectionAssert.AreEqual(expected[..(3 * size)], Score(scorer, pixels, size),
                        $"{kernel}, {threads} threads, {size} images");
            }
    }

    [TestMethod]
    public void Threads_that_share_an_image_get_the_bits_of_one()
    {
        // 41 million multiply-adds: worth it
        var model = ExportedModel.Create(ResNetArchitecture.Parse("cifar-20"), new ImageShape(3, 32, 32), "a", "b", "c");
        var pixels = ExportedModel.Images(model.Shape, 3).SelectMany(image => image).ToArray();
        using var alone = new BatchScorer(model, new CpuEngine(model, TileKernel.Fastest, threads: 1));
        var expected = Score(alone, pixels, 3);
        foreach (var threads in new[] { 2, 5 })
        {
            using var scorer = new BatchScorer(model, new CpuEngine(model, TileKernel.Fastest, threads));
            for (var round = 0; round < 20; round++)
                foreach (var size in Enumerable.Range(1, Math.Min(3, threads - 1)))
                    CollectionAssert.AreEqual(expected[..(3 * size)], Score(scorer, pixels, size),
                        $"{threads} threads, {size} images, round {round}");
        }
    }

    [TestMethod]
    public void A_batch_leaves_nothing_behind_for_the_next()
    {
        var model = ExportedModel.Create(ResNetArchitecture.Parse("cifar-8-optionA"), new ImageShape(1, 12, 12), "a", "b");
        using var scorer = new BatchScorer(model, new CpuEngine(model, TileKernel.Fastest, threads: 1));
        var pixels = ExportedModel.Images(model.Shape, 6).SelectMany(image => image).ToArray();
        var first = Score(scorer, pixels, 6);

        Score(scorer, Array.ConvertAll(pixels, pixel => (byte)~pixel), 5);

        CollectionAssert.AreEqual(first, Score(scorer, pixels, 6));
    }

    [TestMethod]
    public void Weights_that_are_no_numbers_give_scores_that_are_none()
    {
        var model = ExportedModel.Tiny();
        var ruined =
            model with
            {
                Weights = [.. model.Weights.Select(tensor => tensor.Name == "layer1.0.bn1.bias"
            ? tensor with { Data = NaNs(tensor.Data.Length) }
            : tensor)]
            };
        using var direct = new BatchScorer(ruined, new CpuEngine(ruined, TileKernel.Fastest, threads: 1));
        using var reference = new BatchScorer(ruined, new TorchEngine(ruined));
        var pixels = ExportedModel.Images(model.Shape, 1)[0];

        Assert.IsTrue(Score(direct, pixels, 1).All(float.IsNaN));
        Assert.IsTrue(Score(reference, pixels, 1).All(float.IsNaN));
    }

    [TestMethod]
    public void An_image_that_overflows_leaves_nothing_to_the_next()
    {
        var plan = ResNetArchitecture.Cifar(8) with
        {
            StemWidth = 12, // no multiple of a vector
            Shortcut = ResNetShortcut.Padding,
            Stages = [new(12, 1, 1), new(24, 1, 2)],
        };
        var model = ExportedModel.Create(plan, new ImageShape(3, 8, 8), "a", "b");
        model = model with
        {
            Normalization = new Normalization([0, 0, 0], [1 / 255f, 1 / 255f, 1 / 255f]), // black is 0, whatever the weights
            Weights = [.. model.Weights
                .Select(tensor => tensor.Name == "conv1.weight" ? tensor with { Data = Huge(tensor.Data) } : tensor)],
        };
        var (black, white) = (new byte[model.Shape.Size], Enumerable.Repeat((byte)255, model.Shape.Size).ToArray());
        using var fresh = new BatchScorer(model, new CpuEngine(model, TileKernel.Fastest, threads: 1));
        using var used = new BatchScorer(model, new CpuEngine(model, TileKernel.Fastest, threads: 1));
        var expected = Score(fresh, black, 1);

        Assert.IsTrue(Score(used, white, 1).Any(float.IsNaN), "it overflows");
        Assert.IsTrue(expected.All(float.IsFinite));
        CollectionAssert.AreEqual(expected, Score(used, black, 1));
    }

    private static byte[] Huge(ReadOnlyMemory<byte> floats)
    {
        var bytes = floats.ToArray();
        foreach (ref var value in MemoryMarshal.Cast<byte, float>(bytes.AsSpan()))
            value *= 1e38f;
        return bytes;
    }

    private static byte[] NaNs(int length)
    {
        var bytes = new byte[length];
        MemoryMarshal.Cast<byte, float>(bytes.AsSpan()).Fill(float.NaN);
        return bytes;
    }

    private static float[] Score(BatchScorer scorer, ReadOnlyMemory<byte> pixels, int count)
    {
        var scores = new float[count * scorer.Classes];
        scorer.Score(pixels, count, scores);
        return scores;
    }

    // All run on any processor: the runtime computes vectors that it has not with smaller ones.
    private static IEnumerable<string> Kernels() => ["AVX2", "AVX-512", "128 bits, 32 registers", "128 bits, 16 registers"];

    private static TileKernel Create(string kernel) => kernel switch
    {
        "AVX2" => new Avx2TileKernel(),
        "AVX-512" => new Avx512TileKernel(),
        _ => new PortableTileKernel(hasManyRegisters: kernel == "128 bits, 32 registers"),
    };
}
