using System.CommandLine;
using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

/// <summary>
/// What <c>Fit</c> costs around its network. Three ways to do the same steps with our network and optimiser take turns in one process:
/// the steps alone, on batches that lie there augmented and normalised; the steps with taking, augmenting and normalising; and <c>Fit</c>,
/// from the data view to the model.
/// </summary>
internal sealed class BareLoop(ResNetArchitecture architecture, int batchSize, int steps)
{
    private static readonly Normalization Normalization = new([0.5f, 0.5f, 0.5f], [0.29f, 0.29f, 0.29f]);

    private readonly TrainingRecipe _recipe = new() { NumberOfEpochs = 1, BatchSize = batchSize, LearningRate = 0.01 };
    private readonly MLContext _mlContext = new(seed: 1);
    private readonly List<Image> _rows = [.. Image.Rows(batchSize * steps)];

    /// <summary><c>bench bare</c> prints a line for each way.</summary>
    public static Command Verb(Option<string> architecture, Option<int> batchSize, Option<int> steps, Option<int> rounds)
    {
        var verb = new Command("bare", "What Fit costs around its network: the same steps bare, with augmentation, and as Fit.") {
            architecture, batchSize, steps, rounds };
        verb.SetAction(result =>
        {
            ResNetRuntime.EnsureStarted();
            new BareLoop(ArchitectureText.Parse(result.GetValue(architecture)!), result.GetValue(batchSize), result.GetValue(steps))
                .Compare(result.GetValue(rounds));
        });
        return verb;
    }

    private void Compare(int rounds)
    {
        var times = (Bare: new List<double>(), Augmented: new List<double>(), Epoch: new List<double>(), Fit: new List<double>());
        for (var round = 0; round <= rounds; round++)
        {
            times.Bare.Add(OwnThread.Run("bare", _ => Steps(augments: false)));
            times.Augmented.Add(OwnThread.Run("augmented", _ => Steps(augments: true)));
            var (epoch, fit) = Fit();
            times.Epoch.Add(epoch);
            times.Fit.Add(fit);
        }
        Print("bare: forward, loss, backward, optimiser", times.Bare, than: times.Bare);
        Print("with taking, augmenting, normalising", times.Augmented, than: times.Bare);
        Print("an epoch of Fit", times.Epoch, than: times.Augmented);
        Print("the whole Fit: reading, new network, model", times.Fit, than: times.Augmented);
    }

    private void Print(string what, List<double> seconds, List<double> than)
    {
        var median = Statistics.Median(seconds.Skip(1));
        // round by round: from one to the next, the machine may change its speed
        var ratio = Statistics.Median(seconds.Zip(than, (one, other) => one / other).Skip(1));
        Console.WriteLine(
            FormattableString.Invariant(
            $"{architecture.Name}, batch {batchSize}: {what,-44} {1000 * median / steps,8:f1} ms a step   {100 * (ratio - 1),6:f1} %"));
    }

    /// <summary>Seconds of an epoch as Fit reports it, and of all of Fit.</summary>
    private (double Epoch, double Fit) Fit()
    {
        var epoch = 0.0;
        var clock = Stopwatch.StartNew();
        _mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = architecture,
            Recipe = _recipe,
            Device = ComputeDevice.Cpu,
            MetricsCallback = report => epoch = _rows.Count / report.ImagesPerSecond,
        }).Fit(_mlContext.Data.LoadFromEnumerable(_rows)).Dispose();
        return (epoch, clock.Elapsed.TotalSeconds);
    }

    /// <summary>Seconds of the steps of one epoch.</summary>
    private double Steps(bool augments)
    {
        using var scope = NewDisposeScope();
        using var network = new ResidualNetwork(architecture, 3, 10);
        using (var generator = new Generator(1, CPU))
            WeightInitialization.Initialize(network, generator);
        using var optimizer = _recipe.Optimizer.Start([.. StateDictionary.Entries(network).Where(entry => entry.Tensor is Parameter)
            .Select(entry => new TrainedParameter(entry.Name, (Parameter)entry.Tensor, _recipe.WeightDecay))], join: false);
        using var pass = new TrainingEngine(network, new ImageShape(3, 32, 32), batchSize: batchSize);
        using var store = Store();
        var ready = store.Slice(0, batchSize);
        using var readyImages = Normalization.Apply(ready.Pixels);
        network.train();

        var step = 0;
        var clock = Stopwatch.StartNew();
        foreach (var rows in BatchOrder.Shuffled(store.Count, batchSize, seed: 1, epoch: 0))
        {
            using var stepScope = NewDisposeScope();
            var batch = augments ? store.Take(rows) : ready;
            var images = augments
                ? Normalization.Apply(
                    _recipe.Augmentation.Apply(batch.Pixels, new AugmentationContext(1, 0, rows, Normalization, new Random(step++))))
                : readyImages;
            optimizer.ZeroGradients();
            pass.Backward(Loss.Of(pass.Forward(images), batch));
            optimizer.Step(0.01, pass.Team);
        }
        return clock.Elapsed.TotalSeconds;
    }

    private PixelStore Store()
    {
        using var builder = new PixelStoreBuilder(new ImageShape(3, 32, 32));
        foreach (var row in _rows)
        {
            row.Features.CopyTo(builder.NextImage);
            builder.Add((int)row.Label);
        }
        return builder.Build();
    }
}
