using System.Text.Json;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;
using static TorchSharp.torch;

/// <summary>
/// PyTorch's numbers (<c>test/Microsoft.ML.ResNet.Tests/Golden</c>) against our networks on a device. The tolerances are those of the tests
/// on the CPU, which take float32 throughout: with TF32, CUDA's default for convolutions, give a wider one.
/// </summary>
/// <param name="device">Where to compute.</param>
/// <param name="tolerance">Relative error that logits and losses may have.</param>
internal sealed class DeviceGoldens(Device device, double tolerance)
{
    /// <summary>What the tests allow in logits and losses.</summary>
    public const double Tolerance = 1e-4;

    private const double GradientTolerance = 1e-2, DriftOfLoss = 20 * Tolerance, DriftOfNorm = 1e-2 * Tolerance; // Golden/README.md

    // Their gradients amplify rounding: compared in evaluation only.
    private static readonly string[] Deep = ["imagenet-101", "imagenet-152", "cifar-1199"];
    private static readonly string[] Quick = ["cifar-20", "imagenet-18", "d2l-resnet18-1channel"];

    private readonly double _looser = tolerance / Tolerance;
    private readonly List<string> _failures = [];
    private (double Error, string What) _worst;

    /// <summary>Compares all, prints the errors, and last a summary.</summary>
    /// <param name="quick">A few networks only.</param>
    /// <returns>Whether all is within its tolerance.</returns>
    public bool Check(bool quick)
    {
        var names = quick ? Quick : [.. GoldenNetwork.Names];
        foreach (var name in names)
        {
            using var scope = NewDisposeScope();
            CheckNetwork(name, withGradients: !Deep.Contains(name));
        }
        using (NewDisposeScope())
            CheckTraining();
        Console.WriteLine(_failures.Count == 0
            ? FormattableString.Invariant(
                $"{names.Length} networks and 10 steps; the worst logit or loss: {_worst.Error:e1} ({_worst.What})")
            : $"{_failures.Count} beyond the tolerance: {string.Join("; ", _failures)}");
        return _failures.Count == 0;
    }

    private void CheckNetwork(string name, bool withGradients)
    {
        var golden = new GoldenNetwork(name);
        using var network = Build(golden, name);
        var images = golden.Images().to(device).ToChannelsLast();
        network.eval();
        using (no_grad())
        {
            var logits = network.forward(images).cpu();
            var expected = golden.EvaluationLogits;
            var scale = expected.SelectMany(row => row).Max(Math.Abs);
            Compare($"{name} logits", tolerance, [.. from row in Enumerable.Range(0, expected.Length)
                from column in Enumerable.Range(0, expected[row].Length)
                select Math.Abs(expected[row][column] - logits[row, column].item<float>()) / scale]);
        }
        if (!withGradients)
            return;
        network.train();
        var loss = nn.functional.cross_entropy(network.forward(images), GoldenNetwork.Labels(golden.InputShape[0]).to(device));
        loss.backward();
        Compare($"{name} loss", tolerance, Relative(golden.TrainLoss, loss.item<float>()));
        Compare($"{name} gradient", GradientTolerance * Math.Sqrt(_looser), Relative(golden.GradientNorm, Norm(network.parameters()
            .Select(parameter => parameter.grad!))));
    }

    private void CheckTraining()
    {
        using var facts = JsonDocument.Parse(File.ReadAllBytes(GoldenNoise.Path("training.json")));
        var (rates, losses) = (Doubles(facts, "learning_rates"), Doubles(facts, "losses"));
        using var network = Build(new GoldenNetwork("cifar-20"), "cifar-20");
        using var optimizer = new Sgd()
            .Start([.. network.named_parameters().Select(p => new TrainedParameter(p.name, p.parameter, WeightDecay: 5e-4))],
                join: device.type != TorchSharp.DeviceType.CPU);
        var (images, labels) = (GoldenNetwork.Images(64, [64, 3, 32, 32]).to(device), GoldenNetwork.Labels(64).to(device));
        network.train();
        for (var step = 0; step < rates.Length; step++)
        {
            var first = step * 16 % 64;
            var loss = nn.functional.cross_entropy(network.forward(images[first..(first + 16)].ToChannelsLast()),
                labels[first..(first + 16)]);
            Compare($"loss of step {step}", DriftOfLoss * Math.Sqrt(_looser), Relative(losses[step], loss.item<float>()));
            optimizer.ZeroGradients();
            loss.backward();
            optimizer.Step(rates[step]);
        }
        Compare("norm of the weights after 10 steps", DriftOfNorm * _looser,
            Relative(facts.RootElement.GetProperty("final_parameter_norm").GetDouble(), Norm(network.parameters())));
    }

    private ResidualNetwork Build(GoldenNetwork golden, string name)
    {
        var network = golden.Build(name == "cifar-20-100classes-1channel" ? ResNetArchitecture.Cifar(20) : ResNetArchitecture.Parse(name));
        network.MoveTo(device);
        return network;
    }

    private void Compare(string what, double most, params double[] errors)
    {
        var error = errors.Any(double.IsNaN) ? double.NaN : errors.Max();
        var line = FormattableString.Invariant($"{what}: relative error {error:e1}, at most {most:e0}");
        Console.WriteLine(line);
        if (!(error <= most)) // true for NaN
            _failures.Add(line);
        if (most == tolerance && error > _worst.Error)
            _worst = (error, what);
    }

    private static double Relative(double expected, double actual) => Math.Abs(actual - expected) / Math.Abs(expected);

    private static double Norm(IEnumerable<Tensor> tensors)
        => Math.Sqrt(tensors.Sum(tensor => tensor.detach().to_type(ScalarType.Float64).square().sum().item<double>()));

    private static double[] Doubles(JsonDocument facts, string name)
        => [.. facts.RootElement.GetProperty(name).EnumerateArray().Select(value => value.GetDouble())];
}
