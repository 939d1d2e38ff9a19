using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;
using static Microsoft.ML.ResNet.Tests.Support.SharedTraining;

namespace Microsoft.ML.ResNet.Tests.Distributed;

/// <summary>
/// Where libtorch's autograd trains, several processes end with the weights of one, to rounding. A number of 32 bits is wrong by 6e-8 of
/// itself, and sums of a batch's pixels by some times that; the steps of a training carry it on. So weights after a few steps are compared
/// to 1e-5 of the largest of their tensor.
/// </summary>
[TestClass]
public class SharedAutogradTests
{
    private const int Rows = 61;

    private const double Rounding = 1e-5;

    private readonly bool _kernelsAreFaster = TrainingEngine.KernelsAreFaster;

    [TestInitialize]
    public void LeaveAllToAutograd() => TrainingEngine.KernelsAreFaster = false;

    [TestCleanup]
    public void RestoreKernels() => TrainingEngine.KernelsAreFaster = _kernelsAreFaster;

    [TestMethod]
    [DynamicData(nameof(Trainings))]
    public void Several_ranks_end_with_the_weights_of_one_to_rounding(string name, ResNetTrainer.Options options, int rows,
        double tolerance)
    {
        var alone = Train(options, group: null, rows);

        foreach (var size in new[] { 2, 3 })
        {
            var all = ThreadGroup.Run(size, group => Train(options, group, rows));
            AssertNear(alone, all[0], tolerance, $"{name}, {size} ranks");
            foreach (var (rank, other) in all.Index())
                AssertEqual(all[0], other, $"{name}, rank {rank} of {size}");
        }
    }

    [TestMethod]
    public void Several_ranks_of_16_bits_are_as_near_to_one_as_that_is_to_32_bits()
    {
        var options = Options(ResNetArchitecture.Cifar(8));
        options.Numerics = new ResNetNumerics { CpuKernelsForTraining = false };
        var full = Train(options, group: null);
        options.Recipe = options.Recipe with { Precision = TrainingPrecision.BFloat16 };
        var alone = Train(options, group: null);

        var all = ThreadGroup.Run(3, group => Train(options, group));

        AssertEqual(all[0], all[1], "rank 1");
        AssertEqual(all[0], all[2], "rank 2");
        Console.WriteLine($"{Distance(alone, all[0]):e1} to one, {Distance(alone, full):e1} to 32 bits");
        Assert.IsLessThanOrEqualTo(1.5 * Distance(alone, full), Distance(alone, all[0]));
    }

    [TestMethod]
    public void Ranks_need_not_have_equally_many_threads()
    {
        var options = Options(ResNetArchitecture.Cifar(8) with { Shortcut = ResNetShortcut.Padding });
        options.Recipe = options.Recipe with { GradientClipNorm = 0.5, BatchSize = 32 };
        var threads = TorchSharp.torch.get_num_threads();
        try
        {
            var all = ThreadGroup.Run(2, group =>
            {
                group.BeforeExchange = () => TorchSharp.torch.set_num_threads(group.Rank + 1); // of the thread that trains
                return Train(options, group);
            });
            AssertEqual(all[0], all[1], "one thread, and two");
        }
        finally
        {
            TorchSharp.torch.set_num_threads(threads);
        }
    }

    [TestMethod]
    public void No_tensor_survives()
    {
        var options = Options(ResNetArchitecture.Cifar(8) with { Shortcut = ResNetShortcut.Padding }, epochs: 1);
        var census = TensorCensus.Start();

        ThreadGroup.Run(3, group => Train(options, group, rows: 34)); // the last batch is two images, of which one rank has none

        census.AssertNoSurvivorsOfTraining(options.Architecture, networks: 3);
    }

    [TestMethod]
    public void A_rank_that_fails_in_the_middle_of_the_way_back_ends_all()
    {
        var options = Options(ResNetArchitecture.Cifar(8) with { Shortcut = ResNetShortcut.Padding });
        var census = TensorCensus.Start();

        var outcomes = ThreadGroup.RunAll(3, group =>
        {
            var exchanges = 0; // on the way back
            if (group.Rank == 1)
                group.BeforeExchange = () =>
                {
                    if (Environment.StackTrace.Contains("SharedBatch.Backward", StringComparison.Ordinal) && ++exchanges == 4)
                        throw new InvalidDataException("enough");
                };
            return Train(options, group);
        });

        Assert.IsInstanceOfType<InvalidDataException>(outcomes[1].Failure, $"{outcomes[1].Failure}");
        foreach (var rank in new[] { 0, 2 })
            Assert.Contains("rank 1: enough", outcomes[rank].Failure!.Message);
        census.AssertNoSurvivorsOfTraining(options.Architecture, networks: 3);
    }

    [TestMethod]
    public void Three_ranks_that_were_stopped_go_on_as_two_and_then_as_one()
    {
        var folder = Path.Combine(TestAssembly.TemporaryFolder, $"shared-{Guid.NewGuid():n}");
        var options = Options(ResNetArchitecture.Cifar(8) with { Shortcut = ResNetShortcut.Padding }, epochs: 3);
        var uninterrupted = Train(options, group: null);

        options.CheckpointDirectory = folder;
        options.Resume = true;
        foreach (var size in new[] { 3, 2 })
            foreach (var (_, failure) in ThreadGroup.RunAll(size, group => StoppedAfterAnEpoch(options, group, Rows)))
                Assert.IsInstanceOfType<OperationCanceledException>(failure, $"{failure}");

        Assert.HasCount(2, Directory.GetFiles(folder));
        AssertNear(uninterrupted, Train(options, group: null), Rounding, "resumed");
    }

    [TestMethod]
    public void What_a_step_exchanges_is_what_the_model_says()
    {
        const int Batch = 16, Size = 2, Classes = 3;
        int[] channels = [16, 16, 16, 32, 32, 64, 64];
        var architecture = ResNetArchitecture.Cifar(8) with { Shortcut = ResNetShortcut.Padding };
        var log = new List<string>();
        ThreadGroup.Run(Size, group => Train(Options(architecture), group, rows: 4 * Batch, group.Rank == 0 ? log : null));

        var told = Regex.Match(string.Join(' ', log), "taken ([0-9.]+) exchanges, ([0-9,]+) bytes sent");
        Assert.IsTrue(told.Success, string.Join(Environment.NewLine, log));
        Assert.AreEqual(2 * channels.Length + 4, Number(1), "two for each normalisation; pixels, logits, and two for the weights");
        var weights = architecture.Summarize(TinyImages.Shape, Classes).Sum(layer => layer.ParameterCount);
        var model = 8 * (4 * channels.Sum() + channels.Length) * (Size - 1) + 4 * Classes * Batch / Size * (Size - 1)
            + 4 * weights * 2 * (Size - 1) / Size;
        Assert.IsGreaterThanOrEqualTo(model - 8, Number(2), "slices of an odd number of weights are not equal");
        Assert.IsLessThanOrEqualTo(model + 8 + Batch / Size * TinyImages.Shape.Size, Number(2),
            "and the pixels of images that others keep");

        double Number(int group) => double.Parse(told.Groups[group].Value, NumberStyles.Number, CultureInfo.InvariantCulture);
    }

    public static IEnumerable<object[]> Trainings
    {
        get
        {
            var narrow = ResNetArchitecture.Cifar(8);
            yield return ["option A", Options(narrow with { Shortcut = ResNetShortcut.Padding }), Rows, Rounding];
            yield return ["biases", Options(narrow with { ConvolutionBias = true }), Rows, Rounding];
            yield return ["24 channels", Options(narrow with { StemWidth = 24, Stages = [new(24, 1, 1), new(48, 1, 2)] }), Rows, Rounding];
            yield return ["max pooling, bottlenecks, projections without normalisation", Options(ResNetArchitecture.ImageNet(50) with
            {
                StemWidth = 8,
                Stages = [new(8, 1, 1), new(8, 1, 2)],
                Shortcut = ResNetShortcut.BareProjection,
            }), Rows, Rounding];

            var last = Options(narrow);
            last.Numerics = new ResNetNumerics { CpuKernelsForTraining = false };
            yield return ["a last batch of two images", last, 34, Rounding];

            var pieces = Options(narrow);
            pieces.Numerics = last.Numerics;
            pieces.ValidationSetFraction = 0.3;
            pieces.Recipe = pieces.Recipe with
            {
                Augmentation = [new RandomCrop(2), new HorizontalFlip()],
                Mix = new Mixup(),
                LearningRate = 0.005,
                MicroBatchSize = 7,
                ClassBalance = ClassBalance.Balanced,
                GradientClipNorm = 1,
                WeightAverageDecay = 0.9,
                NormStatistics = NormStatistics.Running,
                LabelSmoothing = 0.1,
            };
            // a piece of two images has deviations so small that a step carries rounding far, in one process too
            yield return ["pieces, mixtures, running statistics", pieces, Rows, 1e-3];

            var frozen = Options(narrow);
            frozen.Numerics = last.Numerics;
            frozen.InitialModel = Start.Value;
            frozen.FrozenStages = 1;
            frozen.Recipe = frozen.Recipe with { Optimizer = new AdamW(), LearningRate = 0.001 };
            yield return ["frozen stages", frozen, 34, 1e-4]; // AdamW divides by gradients, however small
        }
    }

    private static IReadOnlyList<NamedTensor> Train(ResNetTrainer.Options options, ProcessGroup? group, int rows = Rows,
        List<string>? log = null)
    {
        using var model = Fit(options, group, rows, log);
        return model.Model.Network.Weights;
    }

    private static void AssertEqual(IReadOnlyList<NamedTensor> expected, IReadOnlyList<NamedTensor> actual, string what)
    {
        foreach (var (one, other) in expected.Zip(actual))
            Assert.IsTrue(one.Data.Span.SequenceEqual(other.Data.Span), $"{what}: {one.Name}");
    }

    private static void AssertNear(IReadOnlyList<NamedTensor> expected, IReadOnlyList<NamedTensor> actual, double tolerance, string what)
    {
        var worst = expected.Zip(actual).Where(pair => pair.First.Type == ElementType.Float32)
            .Select(pair => (pair.First.Name, Error: Difference(Values(pair.First), Values(pair.Second)))).MaxBy(pair => pair.Error);
        Console.WriteLine($"{what}: {worst.Error:e1} in {worst.Name}");
        Assert.IsLessThanOrEqualTo(tolerance, worst.Error, $"{what}: {worst.Name}");
    }

    // The Euclidean distance of all weights, to their length.
    private static double Distance(IReadOnlyList<NamedTensor> expected, IReadOnlyList<NamedTensor> actual)
    {
        var (square, length) = (0.0, 0.0);
        foreach (var (one, other) in expected.Zip(actual).Where(pair => pair.First.Type == ElementType.Float32))
        {
            for (var index = 0; index < Values(one).Length; index++)
                (square, length) = (square + Math.Pow(Values(one)[index] - Values(other)[index], 2),
                    length + Math.Pow(Values(one)[index], 2));
        }
        return Math.Sqrt(square / length);
    }

    private static double Difference(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        var (largest, error) = (1e-3f, 0f);
        for (var index = 0; index < expected.Length; index++)
            (largest, error) = (Math.Max(largest, Math.Abs(expected[index])), Math.Max(error, Math.Abs(expected[index] - actual[index])));
        return error / largest;
    }

    private static ReadOnlySpan<float> Values(NamedTensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.Data.Span);
}
