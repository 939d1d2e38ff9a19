using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Cpu.Training;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Conformance;
using Microsoft.ML.ResNet.Tests.Cpu.Kernels;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Cpu.Training;

/// <summary>The fused way through a network against PyTorch's numbers, and against autograd, weight by weight.</summary>
[TestClass]
public partial class TrainingNetworkTests
{
    private const double MostError = 5e-2; // of a weight's gradient, relative, whatever rectifiers flip

    [TestInitialize]
    public void StartLibTorch() => ResNetRuntime.EnsureStarted();

    [TestMethod]
    [DataRow("cifar-20")]
    [DataRow("cifar-32")]
    [DataRow("cifar-44-basic")]
    [DataRow("cifar-47")]
    [DataRow("cifar-56")]
    [DataRow("imagenet-18-cifarstem")] // wide convolutions
    [DataRow("imagenet-18")] // a stem of 7x7 pixels, and max pooling
    [DataRow("imagenet-50")]
    [DataRow("imagenet-50-cifarstem")]
    [DataRow("cifar-20-optionA")]
    [DataRow("d2l-resnet18-1channel")] // biases, and shortcuts without normalisation
    public void Loss_and_gradient_norm_are_PyTorchs(string name)
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork(name);
        using var network = golden.Build(ResNetArchitecture.Parse(name));
        var images = golden.Images().ToChannelsLast();

        network.train();
        var loss = Step(network, images, threads: 2);

        Assert.AreEqual(golden.TrainLoss, loss, 1e-4 * golden.TrainLoss);
        var norm = Math.Sqrt(network.parameters()
            .Sum(parameter => parameter.grad!.to_type(ScalarType.Float64).square().sum().item<double>()));
        Assert.AreEqual(golden.GradientNorm, norm, 1e-2 * golden.GradientNorm);
    }

    [TestMethod]
    [DataRow("cifar-20", 32, 32, 16)]
    [DataRow("cifar-20", 32, 32, 9, 0)] // the stem frozen: the first block reads what is no output of ours, and has no projection
    [DataRow("cifar-20", 20, 13, 5, 1)] // and has one
    [DataRow("cifar-20", 32, 32, 8, 2)]
    [DataRow("cifar-56", 16, 16, 7, 1)]
    [DataRow("imagenet-18-cifarstem", 16, 16, 6, 2)]
    [DataRow("cifar-20", 20, 13, 5)] // rows that do not fill a tile, fewer images than pieces
    [DataRow("cifar-20", 28, 28, 10)] // windows that fill no panel
    [DataRow("cifar-56", 32, 32, 8)] // bottlenecks
    [DataRow("cifar-56", 16, 16, 7)]
    [DataRow("cifar-47", 24, 16, 6)]
    [DataRow("imagenet-18-cifarstem", 32, 32, 11)]
    [DataRow("imagenet-18", 64, 64, 6)] // max pooling
    [DataRow("imagenet-18", 37, 58, 5)] // windows that end beyond the edge
    [DataRow("imagenet-18", 61, 50, 5)]
    [DataRow("imagenet-18", 35, 53, 5)] // both sides odd where Winograd's tiles hang over
    [DataRow("imagenet-50", 64, 95, 6)]
    [DataRow("imagenet-18", 48, 48, 5, 0)]
    [DataRow("cifar-20-optionA", 32, 32, 9)]
    [DataRow("cifar-20-optionA", 21, 13, 5)] // every second of an odd number of pixels
    [DataRow("cifar-20-optionA", 20, 13, 5, 1)] // what a shortcut makes wider is no output of ours
    [DataRow("d2l-resnet18-1channel", 64, 64, 5)]
    [DataRow("d2l-resnet18-1channel", 37, 58, 5, 1)]
    public void Gradients_and_running_statistics_are_autograds(string name, int height, int width, int count, int? frozenStages = null)
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork(name);
        using var exact = golden.Build(ResNetArchitecture.Parse(name));
        using var fused = golden.Build(ResNetArchitecture.Parse(name));
        using var few = golden.Build(ResNetArchitecture.Parse(name));
        ResidualNetwork[] disturbed = [.. Enumerable.Range(0, 3).Select(_ => golden.Build(ResNetArchitecture.Parse(name)))];
        var images = GoldenNetwork.Images(count, [count, golden.InputShape[1], height, width]).ToChannelsLast();
        foreach (var network in frozenStages is null ? [] : (ResidualNetwork[])[exact, fused, few, .. disturbed])
            network.Freeze(frozenStages!.Value);

        for (var seed = 0; seed < disturbed.Length; seed++)
        {
            Disturb(disturbed[seed], seed);
            StepByAutograd(disturbed[seed], images);
        }
        exact.to(ScalarType.Float64);
        var expected = StepByAutograd(exact, images.to_type(ScalarType.Float64));
        var loss = Step(fused, images, threads: 2);
        var lossOfFew = Step(few, images, threads: 2, batchSize: 2); // by the kernels for as many

        Assert.AreEqual(expected, loss, 1e-5 * Math.Max(1, expected));
        Assert.AreEqual(expected, lossOfFew, 1e-5 * Math.Max(1, expected));
        // Rounding flips a few rectifiers, here as there: no further from the truth than autograd in the same precision with weights that
        // are off by as much as convolutions round, some luck allowed for.
        var gradients = disturbed.Select(network => network.parameters().Select(parameter => parameter.grad).ToArray()).ToArray();
        foreach (var network in (ResidualNetwork[])[fused, few])
        {
            foreach (var (index, ((weightName, truth), other)) in exact.named_parameters().Zip(network.parameters()).Index())
            {
                Assert.AreEqual(truth.grad is null, other.grad is null, weightName);
                if (truth.grad is not null) // else it is frozen
                    AssertNoFurther(truth.grad, other.grad!, gradients.Select(each => each[index]!), weightName);
            }
            foreach (var ((bufferName, truth), other) in exact.named_buffers().Zip(network.buffers()))
                AssertClose(truth, other, 3e-5, bufferName);
        }
        foreach (var network in disturbed)
            network.Dispose();
    }

    [TestMethod]
    [DataRow("cifar-20", TrainingNetwork.DefaultBatchSize)]
    [DataRow("imagenet-18-cifarstem", TrainingNetwork.DefaultBatchSize)] // wide convolutions
    [DataRow("imagenet-18-cifarstem", 2)] // block by block
    public void A_second_way_back_adds_its_gradients_to_those_of_the_first(string architecture, int batchSize)
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork(architecture);
        using var once = golden.Build(ResNetArchitecture.Parse(architecture));
        using var twice = golden.Build(ResNetArchitecture.Parse(architecture));
        var images = GoldenNetwork.Images(4, [4, 3, 32, 32]).ToChannelsLast();

        Step(once, images, threads: 1, batchSize: batchSize);
        Step(twice, images, threads: 1, times: 2, batchSize: batchSize);

        foreach (var ((name, parameter), other) in once.named_parameters().Zip(twice.parameters()))
            AssertClose(parameter.grad! * 2, other.grad!, 1e-6, name);
    }

    [TestMethod]
    [DataRow("cifar-20", 32, 32, 11)]
    [DataRow("imagenet-18", 37, 50, 5)] // wide convolutions, of odd sizes
    [DataRow("imagenet-18-cifarstem", 16, 16, 19)] // several shards in one call, as many as there are for a thread
    [DataRow("imagenet-50", 64, 95, 9)]
    [DataRow("cifar-20-optionA", 21, 13, 9)]
    [DataRow("d2l-resnet18-1channel", 37, 50, 5)]
    public void Any_number_of_threads_gives_the_same_gradients_bit_for_bit(string name, int height, int width, int count)
    {
        GuardedAllocator.SkipWhereThereIsNone();
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork(name);
        var architecture = ResNetArchitecture.Parse(name);
        var images = GoldenNetwork.Images(count, [count, golden.InputShape[1], height, width]).ToChannelsLast();
        foreach (var batchSize in (int[])[TrainingNetwork.DefaultBatchSize, 2]) // and the kernels for it
        {
            using var one = golden.Build(architecture);
            Step(one, images, threads: 1, batchSize: batchSize);

            using var guarded = new AllocatorScope(new GuardedAllocator(below: false)); // what nobody has written must not matter
            foreach (var threads in (int[])[1, 2, 3, 7])
            {
                using var many = golden.Build(architecture);
                Step(many, images, threads, batchSize: batchSize);
                foreach (var ((weightName, parameter), other) in one.named_parameters().Zip(many.parameters()))
                    Assert.IsTrue(parameter.grad!.equal(other.grad!).all().item<bool>(), $"{weightName} with {threads} threads");
            }
        }
    }

    [TestMethod]
    [DataRow(false, 8, 16)]
    [DataRow(true, 8, 16)]
    [DataRow(false, 13, 7)] // rows that do not fill a tile, a last batch of another size
    [DataRow(true, 13, 7)]
    [DataRow(false, 13, 7, 20)] // channels of zeros
    [DataRow(true, 13, 7, 20)]
    public void A_training_between_guard_pages_ends_with_the_same_weights(bool below, int side, int batchSize, int width = 16)
    {
        GuardedAllocator.SkipWhereThereIsNone();
        var faster = TrainingEngine.KernelsAreFaster;
        TrainingEngine.KernelsAreFaster = true;
        try
        {
            var expected = TrainTwoEpochs(side, batchSize, width);
            using var guarded = new AllocatorScope(new GuardedAllocator(below));
            CollectionAssert.AreEqual(expected, TrainTwoEpochs(side, batchSize, width));
        }
        finally
        {
            TrainingEngine.KernelsAreFaster = faster;
        }
    }

    // Steps forward and back, with evaluation after each epoch; the images are resized on the way in.
    private static byte[] TrainTwoEpochs(int side, int batchSize, int width)
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.View(ml, 16);
        using var model = ImageRows.Trainer(ml, nameof(ImageRow.Encoded), epochs: 2, change: options =>
        {
            options.Architecture = ResNetArchitecture.Cifar(8) with { Stages = [new(width, 1, 1), new(2 * width, 1, 2)] };
            (options.ImageHeight, options.ImageWidth) = (side, side + 2);
            options.Recipe = options.Recipe with { BatchSize = batchSize };
        }).Fit(data, data);
        return [.. model.Model.Network.Weights.SelectMany(tensor => tensor.Data.ToArray())];
    }

    private static double StepByAutograd(ResidualNetwork network, Tensor images)
    {
        network.train();
        var loss = nn.functional.cross_entropy(network.forward(images), GoldenNetwork.Labels((int)images.shape[0]));
        loss.backward();
        return loss.to_type(ScalarType.Float64).item<double>();
    }

    private static unsafe double Step(ResidualNetwork network, Tensor images, int threads, int times = 1,
        Action? afterStep = null, int batchSize = TrainingNetwork.DefaultBatchSize)
    {
        Assert.IsTrue(TrainingEngine.HasKernelsFor(network, (int)images.shape[2], (int)images.shape[3]));
        var input = network.PassFrozen(images);
        using var fused = new TrainingNetwork(network.PlanFor((int)images.shape[2], (int)images.shape[3]), network.FrozenStages,
            new TensorParameters(network), threads, batchSize: batchSize);
        var result = 0.0;
        for (var time = 0; time < times; time++)
        {
            using var scope = NewDisposeScope();
            fused.Forward(TensorMemory.PointerTo(input), (int)input.shape[0]);
            var features = empty(input.shape[0], fused.FeatureWidth); // aligned memory: sums depend on it
            new ReadOnlySpan<float>(fused.Features, (int)features.numel()).CopyTo(MemoryMarshal.Cast<byte, float>(features.bytes));
            features.requires_grad_(true);
            var loss = nn.functional.cross_entropy(network.Classify(features), GoldenNetwork.Labels((int)images.shape[0]));
            loss.backward();
            fused.Backward(TensorMemory.PointerTo(features.grad!.contiguous()));
            afterStep?.Invoke();
            result = loss.item<float>();
        }
        return result;
    }

    private static void AssertClose(Tensor expected, Tensor actual, double tolerance, string name)
    {
        var error = Error(expected, actual);
        Assert.IsTrue(error <= tolerance, FormattableString.Invariant($"{name}: relative error {error:e1}, at most {tolerance:e0}"));
    }

    // Weights that are off by a relative 1e-6: what Winograd's convolutions round, and some eight times what sums in their order do.
    private static void Disturb(ResidualNetwork network, int seed)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var generator = new Generator((ulong)seed);
        foreach (var parameter in network.parameters())
            parameter.mul_(1 + 1e-6 * randn(parameter.shape, generator: generator));
    }

    private static void AssertNoFurther(Tensor truth, Tensor actual, IEnumerable<Tensor> others, string name)
    {
        var (error, usual) = (Error(truth, actual), others.Max(other => Error(truth, other)));
        Assert.IsTrue(error <= Math.Min(5 * usual + 1e-5, MostError),
            FormattableString.Invariant($"{name}: relative error {error:e1}, autograd's {usual:e1}"));
    }

    private static double Error(Tensor expected, Tensor actual)
    {
        using var scope = NewDisposeScope();
        var (a, b) = (expected.to_type(ScalarType.Float64), actual.to_type(ScalarType.Float64));
        return (a - b).norm().item<double>() / Math.Max(a.norm().item<double>(), 1e-6);
    }
}
