using Google.Protobuf;
using Microsoft.ML.ResNet.Cpu.Inference;
using Microsoft.ML.ResNet.Cpu.Training;
using Microsoft.ML.ResNet.Interop.Onnx;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Interop.Onnx;
using Microsoft.ML.ResNet.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Network;

/// <summary>
/// The worked example of docs/architecture.md: a stem of three 3x3 convolutions, as He et al. 2018 (arXiv:1812.01187) have it. What it
/// takes is a plan (<see cref="Plan"/>) and a module (<see cref="DeepStemNetwork"/>); training, scoring and ONNX follow the plan.
/// </summary>
[TestClass]
public class DeepStemTests
{
    private const int Images = 5, Classes = 3;
    private static readonly ImageShape Shape = new(3, 20, 14);

    private static readonly ResNetArchitecture Architecture =
        ResNetArchitecture.Cifar(8) with { StemWidth = 32, Stages = [new(32, 1, 1), new(48, 1, 2)] };

    private static NetworkPlan Plan()
    {
        var plan = new PlanBuilder(Shape, convolutionBias: false);
        plan.Begin("stem", stage: 0);
        plan.Convolution("conv1.0", "conv1.1", outputs: 16, kernel: 3, stride: 2, rectifies: true);
        plan.Convolution("conv1.3", "conv1.4", outputs: 16, kernel: 3, rectifies: true);
        plan.Convolution("conv1.6", "bn1", outputs: 32, kernel: 3, rectifies: true);
        foreach (var _ in NetworkPlan.Stages(plan, Architecture))
        {
        }
        NetworkPlan.Head(plan, Classes);
        return plan.Build();
    }

    [TestInitialize]
    public void Start() => ResNetRuntime.EnsureStarted();

    [TestMethod]
    public void The_state_of_the_plan_is_that_of_the_module()
    {
        using var network = new DeepStemNetwork();

        var built = Tensors(network).Select(entry => $"{entry.Name} [{string.Join(", ", entry.Tensor.shape)}]").Order().ToArray();
        var planned = Plan().State.Select(entry => $"{entry.Name} [{string.Join(", ", entry.Shape)}]").Order().ToArray();

        CollectionAssert.AreEqual(built, planned);
    }

    [TestMethod]
    public void It_scores_on_the_CPU_and_in_ONNX_Runtime_as_the_module_does()
    {
        using var scope = NewDisposeScope();
        using var network = new DeepStemNetwork();
        network.eval();
        var pixels = new byte[Images * Shape.Size];
        new Random(1).NextBytes(pixels);
        var normalization = new Normalization([0.5f, 0.4f, 0.3f], [0.2f, 0.3f, 0.25f]);
        var weights =
            new FoldedWeights(Tensors(network).ToDictionary(entry => entry.Name, entry => RawTensors.Save(entry.Name, entry.Tensor)));
        var batch = tensor(pixels, [Images, Shape.Channels, Shape.Height, Shape.Width]);

        var expected = network.forward(normalization.Apply(batch)).detach().data<float>().ToArray();

        using var inference = new InferenceNetwork(Plan(), weights, normalization, TileKernel.Fastest, threads: 2);
        var scored = new float[Images * Classes];
        inference.Run(pixels, Images, inference.Plan.Steps[^1], scored);
        AssertClose(expected, scored);

        var model = new TrainedResNet(Architecture, Shape, normalization, new ClassLabels(Classes), []);
        var graph = NetworkGraph.Create(model, Plan(), weights, new OnnxExportOptions());
        using var session = new OnnxSession(OnnxFile.Wrap(model, graph).ToByteArray());
        AssertClose(expected, [.. session.Run(pixels, Images, Shape, "logits").SelectMany(row => row)]);
    }

    [TestMethod]
    public unsafe void It_trains_by_kernels_as_by_autograd()
    {
        using var scope = NewDisposeScope();
        using var byAutograd = new DeepStemNetwork();
        using var byKernels = new DeepStemNetwork();
        var generator = new Generator(3);
        var images = empty(Images, Shape.Channels, Shape.Height, Shape.Width).normal_(0, 1, generator).ToChannelsLast();
        var slope = empty(Images, 48).normal_(0, 1, generator);

        byAutograd.Features(images).backward([slope]);
        var parameters = new TensorParameters(byKernels);
        Assert.IsTrue(TrainablePlan.IsSupported(Plan(), frozenStages: null));
        using var training = new TrainingNetwork(Plan(), frozenStages: null, parameters, threads: 2);
        training.Forward(TensorMemory.PointerTo(images), Images);
        training.Backward(TensorMemory.PointerTo(slope));

        foreach (var ((name, expected), (_, found)) in byAutograd.named_parameters().Zip(byKernels.named_parameters())
            .Where(pair => pair.First.parameter.grad is not null))
            Assert.IsLessThan(2e-4, Error(expected.grad!, found.grad!), name);
        foreach (var ((name, expected), (_, found)) in byAutograd.named_buffers().Zip(byKernels.named_buffers()))
            if (!name.EndsWith("num_batches_tracked", StringComparison.Ordinal))
                Assert.IsLessThan(1e-5, Error(expected, found), name);
    }

    private static IEnumerable<(string Name, Tensor Tensor)> Tensors(nn.Module network)
        => network.named_parameters().Select(entry => (entry.name, (Tensor)entry.parameter))
            .Concat(network.named_buffers().Select(entry => (entry.name, entry.buffer)));

    private static double Error(Tensor expected, Tensor found)
        => ((expected - found).norm() / (expected.norm() + 1e-6)).item<float>();

    private static void AssertClose(float[] expected, float[] found)
    {
        foreach (var (a, b) in expected.Zip(found))
            Assert.AreEqual(a, b, 1e-4f * Math.Max(1, Math.Abs(a)));
    }

    /// <summary>The module, as one writes it by hand.</summary>
    private sealed class DeepStemNetwork : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> conv1, layer1, layer2;
        private readonly BatchNorm bn1 = new(32);
        private readonly Linear fc = new(48, Classes);

        public DeepStemNetwork() : base(nameof(DeepStemNetwork))
        {
            conv1 = nn.Sequential(
                ("0", new Convolution(3, 16, 3, stride: 2)), ("1", new BatchNorm(16)), ("2", nn.ReLU()),
                ("3", new Convolution(16, 16, 3)), ("4", new BatchNorm(16)), ("5", nn.ReLU()),
                ("6", new Convolution(16, 32, 3)));
            layer1 = nn.Sequential(("0", new BasicBlock(32, 32, stride: 1, Architecture, channelsLast: true)));
            layer2 = nn.Sequential(("0", new BasicBlock(32, 48, stride: 2, Architecture, channelsLast: true)));
            RegisterComponents();
            Draw();
        }

        /// <summary>Images to pooled features: float32, (N, 48).</summary>
        public Tensor Features(Tensor images)
        {
            var x = bn1.forward(conv1.forward(images)).relu_();
            return layer2.forward(layer1.forward(x)).mean([2, 3]);
        }

        public override Tensor forward(Tensor images) => fc.forward(Features(images));

        private void Draw()
        {
            using var noGradient = no_grad();
            using var generator = new Generator(7);
            foreach (var (name, tensor) in Tensors(this).Where(entry => entry.Tensor.dtype == ScalarType.Float32))
            {
                using var values = empty(tensor.shape);
                if (name.EndsWith("running_var", StringComparison.Ordinal))
                    values.uniform_(0.5, 1.5, generator);
                else
                    values.normal_(tensor.dim() == 1 && name.EndsWith("weight", StringComparison.Ordinal) ? 1 : 0, 0.1, generator);
                tensor.copy_(values);
            }
        }
    }
}
