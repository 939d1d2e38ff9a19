using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Persistence;
using Microsoft.ML.ResNet.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Interop;

/// <summary>Weights go to PyTorch and come from it: the same network there, restated in Python, gives the same logits.</summary>
[TestClass]
public class PyTorchRoundTripTests
{
    private static readonly Normalization Normalization = new([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DataRow("cifar-20", 32)]
    [DataRow("cifar-47", 32)] // bottlenecks
    [DataRow("imagenet-18", 64)] // torchvision's own
    public void PyTorch_takes_our_file_strictly_and_we_take_its_file_strictly(string name, int side)
    {
        var folder = Directory.CreateDirectory(Path.Combine(TestAssembly.TemporaryFolder, $"round-trip-{name}")).FullName;
        string InFolder(string file) => Path.Combine(folder, file);
        var shape = new ImageShape(3, side, side);
        var pixels = new byte[4 * shape.Size];
        new Random(1).NextBytes(pixels);
        File.WriteAllBytes(InFolder("pixels"), pixels);
        using var ours = Golden(name, shape);
        ours.SavePyTorch(InFolder("ours.pth"));

        Python.RunWithTorch(Program, folder, name, $"{side}");

        AssertEqual(Floats(InFolder("ours.logits")), Logits(ours, pixels), "our weights");
        var options = new ResNetWeightsOptions
        {
            Architecture = ResNetArchitecture.Parse(name),
            ClassNames = ours.Model.ClassNames,
            ImageShape = shape
        };
        foreach (var file in new[] { "theirs.pth", "theirs-legacy.pth" })
        {
            using var theirs = new MLContext().Model.LoadResNetWeights(InFolder(file), options);
            Assert.IsTrue(theirs.ImportedWeights!.IsExact, theirs.ImportedWeights.ToString());
            AssertEqual(Floats(InFolder("theirs.logits")), Logits(theirs, pixels), file);
        }
    }

    private static ResNetTransformer Golden(string name, ImageShape shape)
    {
        var golden = new GoldenNetwork(name);
        var model = new TrainedResNet(ResNetArchitecture.Parse(name), shape, Normalization, new ClassLabels(golden.Classes),
            golden.Weights());
        return new ResNetTransformer(new MLContext(), model, SavedModel.Columns);
    }

    private static float[] Logits(ResNetTransformer model, byte[] pixels)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var network = ResidualNetwork.Of(model.Model.Network);
        var shape = model.Model.ImageShape;
        var images =
            model.Model.Network.Normalization.Apply(
            tensor(pixels, [pixels.Length / shape.Size, shape.Channels, shape.Height, shape.Width]));
        return [.. network.forward(images).contiguous().data<float>()];
    }

    private void AssertEqual(float[] expected, float[] actual, string what)
    {
        Assert.HasCount(expected.Length, actual);
        var scale = expected.Max(Math.Abs);
        var worst = expected.Zip(actual, (a, b) => Math.Abs(a - b) / scale).Max();
        TestContext.WriteLine(FormattableString.Invariant($"{what}: worst relative error of a logit {worst:e1}"));
        Assert.IsTrue(worst <= 1e-5, FormattableString.Invariant($"{what}: {worst}"));
    }

    private static float[] Floats(string path) => MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(path).AsSpan()).ToArray();

    private const string Program = """
        import sys, torch, torch.nn as nn, torch.nn.functional as F
        folder, name, side = sys.argv[1], sys.argv[2], int(sys.argv[3])

        class Block(nn.Module):
            def __init__(self, inputs, width, stride, is_bottleneck):
                super().__init__()
                self.outputs = width * (4 if is_bottleneck else 1)
                bottleneck = [(inputs, width, 1, 1), (width, width, 3, stride), (width, self.outputs, 1, 1)]
                shapes = bottleneck if is_bottleneck else [(inputs, width, 3, stride), (width, width, 3, 1)]
                for i, (a, b, kernel, step) in enumerate(shapes, 1):
                    setattr(self, f"conv{i}", nn.Conv2d(a, b, kernel, step, kernel // 2, bias=False))
                    setattr(self, f"bn{i}", nn.BatchNorm2d(b))
                self.count = len(shapes)
                self.downsample = None
                if stride != 1 or inputs != self.outputs:
                    self.downsample = nn.Sequential(nn.Conv2d(inputs, self.outputs, 1, stride, bias=False), nn.BatchNorm2d(self.outputs))

            def forward(self, x):
                y = x
                for i in range(1, self.count + 1):
                    y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
                    y = F.relu(y) if i < self.count else y
                return F.relu(y + (x if self.downsample is None else self.downsample(x)))

        class Cifar(nn.Module):
            def __init__(self, depth, is_bottleneck):
                super().__init__()
                self.conv1, self.bn1, width = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), 16
                for stage in range(3):
                    blocks = []
                    for i in range((depth - 2) // (9 if is_bottleneck else 6)):
                        blocks.append(Block(width, 16 << stage, 2 if stage and not i else 1, is_bottleneck))
                        width = blocks[-1].outputs
                    setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
                self.fc = nn.Linear(width, 10)

            def forward(self, x):
                return self.fc(self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x)))))).mean((2, 3)))

        def network():
            if name == "imagenet-18":
                import torchvision
                return torchvision.models.resnet18()
            return Cifar(int(name.split("-")[1]), name == "cifar-47")

        def write(net, file):
            net.eval()
            with torch.no_grad():
                net(images).numpy().tofile(f"{folder}/{file}")

        pixels = torch.frombuffer(bytearray(open(f"{folder}/pixels", "rb").read()), dtype=torch.uint8).view(-1, 3, side, side)
        mean, deviation = (torch.tensor(x).view(1, 3, 1, 1) for x in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
        images = (pixels.float() / 255 - mean) / deviation
        ours = network()
        ours.load_state_dict(torch.load(f"{folder}/ours.pth", weights_only=True), strict=True)
        write(ours, "ours.logits")
        torch.manual_seed(1)
        theirs = network().train()
        for _ in range(3):
            theirs(images)  # so that running statistics and counters are not their defaults
        torch.save(theirs.state_dict(), f"{folder}/theirs.pth")
        checkpoint = {"epoch": 3, "state_dict": nn.DataParallel(theirs).state_dict()}
        torch.save(checkpoint, f"{folder}/theirs-legacy.pth", _use_new_zipfile_serialization=False)
        write(theirs, "theirs.logits")
        """;
}
