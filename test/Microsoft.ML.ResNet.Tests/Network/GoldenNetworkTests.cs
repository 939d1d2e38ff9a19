using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Network;

/// <summary>Our networks against PyTorch's numbers; the tolerances are those of <c>Golden/README.md</c>.</summary>
[TestClass]
public class GoldenNetworkTests
{
    private const double LogitTolerance = 1e-4, LossTolerance = 1e-4, GradientTolerance = 1e-2;

    /// <summary>Where the errors are written to: <c>dotnet test --logger "console;verbosity=detailed"</c> shows them.</summary>
    public TestContext TestContext { get; set; } = null!;

    /// <summary>The golden networks that a name describes, smallest first.</summary>
    public static IEnumerable<object[]> Networks =>
    [
        ["cifar-20"], ["cifar-32"], ["cifar-44-basic"], ["cifar-56-basic"], ["cifar-110-basic"], ["cifar-47"], ["cifar-56"], ["cifar-110"],
        ["cifar-20-optionA"], ["imagenet-18"], ["imagenet-34"], ["imagenet-50"], ["imagenet-18-cifarstem"], ["imagenet-34-cifarstem"],
            ["imagenet-50-cifarstem"],
        ["d2l-resnet18-1channel"],
    ];

    /// <summary>
    /// Those whose gradients take too long, or, in the deepest, amplify a rounding error a million times (Golden/README.md): compared in
    /// evaluation only.
    /// </summary>
    public static IEnumerable<object[]> DeepNetworks => [["imagenet-101"], ["imagenet-152"], ["cifar-1199"]];

    [TestMethod]
    [DynamicData(nameof(DeepNetworks))]
    public void State_and_logits_of_a_deep_network_are_PyTorchs(string name)
    {
        ResNetRuntime.EnsureStarted();
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork(name);
        using var network = golden.Build(ResNetArchitecture.Parse(name));

        AssertState(golden, network);
        AssertLogits(golden, network);
    }

    [TestMethod]
    [DynamicData(nameof(Networks))]
    public void State_names_shapes_and_order_are_PyTorchs(string name)
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork(name);
        using var network = new ResidualNetwork(ResNetArchitecture.Parse(name), golden.InputShape[1], golden.Classes);

        AssertState(golden, network);
    }

    [TestMethod]
    [DynamicData(nameof(Networks))]
    public void Logits_loss_and_gradient_norm_are_PyTorchs(string name)
    {
        ResNetRuntime.EnsureStarted();
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork(name);
        using var network = golden.Build(ResNetArchitecture.Parse(name));

        AssertLogits(golden, network);

        network.train();
        var loss = nn.functional.cross_entropy(network.forward(golden.Images().ToChannelsLast()),
            GoldenNetwork.Labels(golden.InputShape[0]));
        loss.backward();
        AssertRelative(golden.TrainLoss, loss.item<float>(), LossTolerance, "loss");
        var norm = Math.Sqrt(network.parameters()
            .Sum(parameter => parameter.grad!.to_type(ScalarType.Float64).square().sum().item<double>()));
        AssertRelative(golden.GradientNorm, norm, GradientTolerance, "gradient norm");
    }

    [TestMethod]
    public void The_100_class_1_channel_network_is_PyTorchs()
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork("cifar-20-100classes-1channel");
        using var network = golden.Build(ResNetArchitecture.Cifar(20));

        AssertLogits(golden, network);
    }

    private static void AssertState(GoldenNetwork golden, ResidualNetwork network)
    {
        var entries = StateDictionary.Entries(network).Select(entry => Describe((entry.Name, entry.Tensor.shape))).ToArray();
        CollectionAssert.AreEqual(golden.State.Select(Describe).ToArray(), entries);
        Assert.AreEqual(golden.Parameters, network.parameters().Sum(parameter => parameter.numel()));
    }

    private void AssertLogits(GoldenNetwork golden, ResidualNetwork network)
    {
        using var noGradient = no_grad();
        network.eval();
        var logits = network.forward(golden.Images().ToChannelsLast());
        var expected = golden.EvaluationLogits;
        var scale = expected.SelectMany(row => row).Max(Math.Abs);
        var worst = 0.0;
        for (var row = 0; row < expected.Length; row++)
            for (var column = 0; column < expected[row].Length; column++)
                worst = Math.Max(worst, Math.Abs(expected[row][column] - logits[row, column].item<float>()) / scale);
        AssertError(worst, LogitTolerance, "logits");
    }

    private void AssertRelative(double expected, double actual, double tolerance, string what)
        => AssertError(Math.Abs(actual - expected) / Math.Abs(expected), tolerance, what);

    private void AssertError(double error, double tolerance, string what)
    {
        TestContext.WriteLine(FormattableString.Invariant($"{what}: relative error {error:e1}, at most {tolerance:e0}"));
        // false for NaN
        Assert.IsTrue(error <= tolerance, FormattableString.Invariant($"{what}: relative error {error}, at most {tolerance}"));
    }

    private static string Describe((string Name, long[] Shape) entry) => $"{entry.Name} [{string.Join(", ", entry.Shape)}]";
}
