using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Persistence;
using Microsoft.ML.ResNet.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests;

/// <summary>
/// What is frozen stays as it is to the last bit, whatever else is asked of the training; the rest learns, and as in PyTorch.
/// </summary>
[TestClass]
public class FrozenStagesTests
{
    private const int Rows = 24;

    private string _folder = "";

    public TestContext TestContext { get; set; } = null!;

    [TestInitialize]
    public void MakeFolder()
        => _folder = Directory.CreateDirectory(Path.Combine(TestAssembly.TemporaryFolder, $"frozen-{Guid.NewGuid():n}")).FullName;

    [TestMethod]
    [DataRow(null)]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(3)]
    public void Frozen_tensors_stay_and_all_others_move(int? stages)
    {
        var initial = SavedModel.Create();
        foreach (var optimizer in new Optimizer[] { new Sgd(), new AdamW() })
        {
            var trained = Fit(Options(stages, optimizer))!;
            foreach (var (before, after) in initial.Weights.Zip(trained))
                Assert.AreEqual(IsFrozen(before.Name, stages), before.Data.Span.SequenceEqual(after.Data.Span),
                    $"{before.Name} under {optimizer}");
        }
    }

    [TestMethod]
    public void Stopped_and_resumed_it_ends_with_the_same_weights()
    {
        var uninterrupted = Fit(Options(stages: 1, new Sgd()))!;

        var options = Options(stages: 1, new Sgd());
        (options.CheckpointDirectory, options.Resume) = (_folder, true);
        Assert.IsNull(Fit(options, stopAfterEpoch: 1), "it was stopped");
        var resumed = Fit(options)!;

        foreach (var (expected, actual) in uninterrupted.Zip(resumed))
            Assert.IsTrue(expected.Data.Span.SequenceEqual(actual.Data.Span), expected.Name);
    }

    [TestMethod]
    public void A_checkpoint_that_froze_less_or_started_from_other_weights_is_refused()
    {
        var options = Options(stages: null, new Sgd());
        (options.CheckpointDirectory, options.Resume) = (_folder, true);
        Fit(options, stopAfterEpoch: 1);

        options.FrozenStages = 1;
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => Fit(options)).Message,
            "frozen stages is 1, in the checkpoint none");
        (options.FrozenStages, options.InitialModel) = (null, null);
        options.Architecture = SavedModel.Narrow;
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => Fit(options)).Message,
            "initial weights is none, in the checkpoint of custom-8 under Normalization(");
    }

    [TestMethod]
    public void Below_what_trains_there_is_no_gradient_and_batch_normalisation_evaluates()
    {
        using var scope = NewDisposeScope();
        using var network = ResidualNetwork.Of(SavedModel.Create());
        network.Freeze(1);
        network.train();

        var logits = network.forward(ones(2, 3, 8, 8));
        logits.sum().backward();
        network.eval();
        network.train();

        foreach (var (name, parameter) in network.named_parameters())
            Assert.AreEqual(IsFrozen(name, 1), parameter.grad is null, name);
        foreach (var (name, module) in network.named_modules().Where(entry => entry.module is BatchNorm))
            Assert.AreEqual(!IsFrozen(name + ".", 1), module.training, name);
    }

    [TestMethod]
    public void Three_steps_are_PyTorchs()
    {
        var initial = SavedModel.Create();
        string InFolder(string file) => Path.Combine(_folder, file);
        using (var ours = new ResNetTransformer(new MLContext(), initial, SavedModel.Columns))
            ours.SavePyTorch(InFolder("before.pth"));
        File.WriteAllBytes(InFolder("pixels"), [.. TinyImages.Rows(Rows).SelectMany(row => row.Features)]);

        Python.RunWithTorch(Program, _folder);

        var options = Options(stages: 1, new Sgd(), epochs: 3);
        options.Recipe = options.Recipe with
        {
            BatchSize = Rows,
            MicroBatchSize = null,
            WeightAverageDecay = null,
            NormStatistics = NormStatistics.Running,
            Schedule = LearningRateSchedule.Constant
        };
        var trained = Fit(options)!;
        var weights = new ResNetWeightsOptions
        {
            Architecture = SavedModel.Narrow,
            ClassNames = TinyImages.Classes,
            ImageShape = TinyImages.Shape
        };
        using var theirs = new MLContext().Model.LoadResNetWeights(InFolder("after.pth"), weights);
        AssertClose(theirs.Model.Network.Weights, trained);
    }

    private static ResNetTrainer.Options Options(int? stages, Optimizer optimizer, int epochs = 2) => new()
    {
        InitialModel = new ResNetModelParameters(SavedModel.Create()),
        FrozenStages = stages,
        Recipe = TinyImages.Options(epochs).Recipe with
        {
            Optimizer = optimizer,
            MicroBatchSize = 6,
            WeightAverageDecay = 0.9,
            GradientClipNorm = 100
        },
        Device = ComputeDevice.Cpu,
    };

    // The final weights, or null if training was stopped.
    private static IReadOnlyList<NamedTensor>? Fit(ResNetTrainer.Options options, int? stopAfterEpoch = null)
    {
        var mlContext = new MLContext(seed: 1);
        var data = TinyImages.View(mlContext, Rows);
        using var cancellation = new CancellationTokenSource();
        options.CancellationToken = cancellation.Token;
        options.MetricsCallback = report =>
        {
            if (report.Epoch == stopAfterEpoch)
                cancellation.Cancel();
        };
        try
        {
            using var model = mlContext.MulticlassClassification.Trainers.ResNet(options)
                .Fit(mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data));
            return model.Model.Network.Weights;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private static bool IsFrozen(string name, int? stages)
        => stages is { } count && (name.StartsWith("conv1.", StringComparison.Ordinal) || name.StartsWith("bn1.", StringComparison.Ordinal)
            || name.StartsWith("layer", StringComparison.Ordinal) && name["layer".Length] - '0' <= count);

    private void AssertClose(IReadOnlyList<NamedTensor> expected, IReadOnlyList<NamedTensor> actual)
    {
        foreach (var (a, b) in expected.Zip(actual).Where(pair => pair.First.Type == ElementType.Float32))
        {
            var (theirs, ours) = (Floats(a), Floats(b));
            var worst = theirs.Zip(ours, (x, y) => Math.Abs(x - y)).Max() / theirs.Max(Math.Abs);
            TestContext.WriteLine(FormattableString.Invariant($"{a.Name}: {worst:e1}"));
            Assert.IsTrue(worst <= 1e-4, FormattableString.Invariant($"{a.Name}: {worst}"));
        }
        foreach (var (a, b) in expected.Zip(actual).Where(pair => pair.First.Type == ElementType.Int64))
            Assert.IsTrue(a.Data.Span.SequenceEqual(b.Data.Span), a.Name);
    }

    private static float[] Floats(NamedTensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.Data.Span).ToArray();

    // The network of SavedModel.Narrow, its stem and first stage frozen as PyTorch's own tutorials do it.
    private const string Program = """
        import sys, torch, torch.nn as nn, torch.nn.functional as F
        folder = sys.argv[1]

        class Block(nn.Module):
            def __init__(self, inputs, width, stride):
                super().__init__()
                self.conv1, self.bn1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
                self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
                self.downsample = None
                if stride != 1 or inputs != width:
                    self.downsample = nn.Sequential(nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width))

            def forward(self, x):
                y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
                return F.relu(y + (x if self.downsample is None else self.downsample(x)))

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv1, self.bn1 = nn.Conv2d(3, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4)
                self.layer1, self.layer2 = nn.Sequential(Block(4, 4, 1)), nn.Sequential(Block(4, 8, 2))
                self.layer3 = nn.Sequential(Block(8, 16, 2))
                self.fc = nn.Linear(16, 3)

            def forward(self, x):
                return self.fc(self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x)))))).mean((2, 3)))

        net = Net()
        net.load_state_dict(torch.load(f"{folder}/before.pth"), strict=True)
        net.train()
        for part in (net.conv1, net.bn1, net.layer1):
            part.eval()
            part.requires_grad_(False)
        images = torch.frombuffer(bytearray(open(f"{folder}/pixels", "rb").read()), dtype=torch.uint8).view(-1, 3, 8, 8)
        images = (images.float() / 255 - 0.4) / 0.25
        labels = torch.arange(len(images)) % 3
        optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.05, momentum=0.9, weight_decay=5e-4)
        for _ in range(3):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 100)
            optimizer.step()
        torch.save(net.state_dict(), f"{folder}/after.pth")
        """;
}
