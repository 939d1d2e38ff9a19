using Microsoft.ML.ResNet.Fitting;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Support;
using static Microsoft.ML.ResNet.Tests.Support.TinyWeights;

namespace Microsoft.ML.ResNet.Tests.Interop;

/// <summary>Weights whose names, head or network are others than the model's: what is taken, what is drawn, and what is refused.</summary>
[TestClass]
public class ForeignWeightsTests
{
    [TestMethod]
    public void A_file_that_does_not_fit_is_an_error_that_names_the_tensors()
    {
        var options = Options with { ClassNames = ["a", "b"], Architecture = ResNetArchitecture.Cifar(26) };

        var error = Assert.ThrowsExactly<WeightsFormatException>(
            () => new MLContext().Model.LoadResNetWeights(GoldenNoise.Path("cifar-20.pth"), options));

        StringAssert.Contains(error.Message, "do not fit cifar-26 with 3 channels and 2 classes");
        StringAssert.Contains(error.Message, "'layer1.3.conv1.weight'");
        StringAssert.Contains(error.Message, "'fc.weight: Float32[10, 64], expected Float32[2, 64]'");
    }

    [TestMethod]
    public void Weights_of_something_else_are_an_error_even_if_not_strict()
        => StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(() => new MLContext().Model.LoadResNetWeights(
            GoldenNoise.Path("cifar-20.pth"), Options with
            {
                Architecture = ResNetArchitecture.D2l18(),
                ImageShape = new(3, 224, 224),
                Strict = false,
            })).Message, "nothing in common");

    [TestMethod]
    [DataRow("fc.1")]
    [DataRow("classifier")]
    [DataRow("head")]
    [DataRow("head.fc")]
    [DataRow("linear")]
    [DataRow("last_linear")]
    public void A_head_of_another_name_is_told_by_its_shape(string name)
    {
        var tensors = Tiny();
        using var model = LoadTiny(new MLContext(), Safetensors(WithHead(name)));

        Assert.IsTrue(model.ImportedWeights!.IsExact, model.ImportedWeights.ToString());
        AssertEqual(tensors, model.Model.Network.Weights);
    }

    [TestMethod]
    public void Weights_of_Hugging_Face_become_the_same_model()
    {
        var tensors = Tiny();
        using var model = LoadTiny(new MLContext(),
            Safetensors([.. tensors.Select(tensor => tensor with { Name = ForeignStateNamesTests.ToHuggingFace(tensor.Name) })]));

        Assert.IsTrue(model.ImportedWeights!.IsExact, model.ImportedWeights.ToString());
        AssertEqual(tensors, model.Model.Network.Weights);
    }

    [TestMethod]
    public void A_moving_average_beside_the_weights_is_told_and_can_be_chosen()
    {
        var log = new List<string>();
        var tensors = Tiny();
        var average = tensors.Select(tensor => tensor with { Data = new byte[tensor.Data.Length] }).ToList();
        NamedTensor[] both = [.. average.Select(tensor => tensor with { Name = "ema_model." + tensor.Name }),
            .. tensors.Select(tensor => tensor with { Name = "model." + tensor.Name })];

        using var plain = LoadTiny(Logging(log), Safetensors(both));
        using var chosen = new MLContext().Model.LoadResNetWeights(Safetensors(both),
            TinyOptions(strict: true) with { StateDictKey = "ema_model" });

        AssertEqual(tensors, plain.Model.Network.Weights);
        AssertEqual(average, chosen.Model.Network.Weights);
        AssertWarned(log, "The weights are those of 'model'; StateDictKey chooses others: 'ema_model'.");
        Assert.AreEqual("ema_model", chosen.ImportedWeights!.StateDictKey);
        StringAssert.Contains(Refused(both, TinyOptions(strict: true) with { StateDictKey = "best" }), "a network 'best'");
    }

    [TestMethod]
    public void A_head_that_could_mean_something_else_is_drawn_loudly_or_refused()
    {
        var head = Tiny().Where(tensor => tensor.Name.StartsWith("fc.", StringComparison.Ordinal)).ToList();
        IReadOnlyList<NamedTensor>[] doubtful =
        [
            [.. WithHead("a"), .. head.Select(tensor => tensor with { Name = tensor.Name.Replace("fc.", "b.") })], // which of the two?
            [.. WithHead("1.8"), head[0] with { Name = "1.4.weight", Shape = [3, 16] }], // two layers, as fastai's
            [.. WithHead("fc.1"), head[1] with { Name = "fc.0.running_mean" }], // a normalisation before it
            [.. WithHead("a").Where(tensor => tensor.Name != "a.bias")],
        ];
        foreach (var tensors in doubtful)
        {
            var log = new List<string>();
            Assert.ThrowsExactly<WeightsFormatException>(() => LoadTiny(new MLContext(), Safetensors(tensors)));
            using var model = LoadTiny(Logging(log), Safetensors(tensors), strict: false);
            CollectionAssert.AreEqual(new[] { "fc.weight", "fc.bias" }, model.ImportedWeights!.Missing.ToArray());
            AssertWarned(log, "The head ('fc.weight', 'fc.bias') does not come from the file but is drawn at random");
        }
    }

    [TestMethod]
    public void Without_class_names_a_backbone_is_enough_and_a_head_is_left_out()
    {
        var log = new List<string>();
        var options = TinyOptions(strict: true) with { ClassNames = null };
        var backbone = Tiny().Where(tensor => !tensor.Name.StartsWith("fc.", StringComparison.Ordinal)).ToList();

        using var without = Logging(log).Model.LoadResNetWeights(Safetensors(backbone), options);
        using var with = Logging(log).Model.LoadResNetWeights(Safetensors(WithHead("classifier")), options);

        foreach (var model in new[] { without, with })
        {
            Assert.IsTrue(model.ImportedWeights!.IsBackbone);
            AssertEqual(backbone, [.. model.Model.Network.Weights.SkipLast(2)]);
            CollectionAssert.AreEqual(new[] { "unknown 1", "unknown 2" }, model.Model.ClassNames.ToArray());
        }
        AssertWarned(log, "No ClassNames were given, so that its classes are placeholders.");
        Assert.AreEqual("safetensors file", without.ImportedWeights!.FileKind);
        var start = InitialWeights.Of(without.Model.Network, channels: 3, ClassLabels.OfNames(TinyImages.Classes), frozenStages: null);
        Assert.AreEqual("54 matched; 2 mismatched: 'fc.weight: of other classes', 'fc.bias: of other classes'", start.Report.ToString());
    }

    [TestMethod]
    public void With_class_names_a_backbone_is_refused_with_the_way_to_use_it()
    {
        NamedTensor[] backbone = [.. Tiny().Where(tensor => !tensor.Name.StartsWith("fc.", StringComparison.Ordinal))];

        StringAssert.Contains(Refused(backbone, TinyOptions(strict: true)),
            "The weights are a backbone without a head: 54 matched, a backbone without a head; 2 missing: 'fc.weight', 'fc.bias'. Leave "
            + "ClassNames unset to start training from them (Options.InitialModel)");
        StringAssert.Contains(Refused([.. backbone.Skip(1)], TinyOptions(strict: true) with { ClassNames = null }),
            "3 missing: 'conv1.weight', 'fc.weight', 'fc.bias'");
    }

    [TestMethod]
    public void What_is_drawn_and_what_is_left_out_is_warned_of()
    {
        var log = new List<string>();
        var tensors = Tiny().Where(tensor => tensor.Name != "layer2.0.conv1.weight").Append(Tiny()[0] with { Name = "total_ops" });

        using var model = LoadTiny(Logging(log), Safetensors([.. tensors]), strict: false);

        AssertWarned(log, "1 tensors of the network do not come from the file but are drawn at random");
        AssertWarned(log, "'layer2.0.conv1.weight'");
        AssertWarned(log, "1 tensors of the file have no place in custom-8 and are left out: 'total_ops'");
        Assert.IsFalse(log.Exists(line => line.Contains("The head")));
    }

    [TestMethod]
    public void Weights_of_another_depth_are_refused_even_if_not_strict_and_their_network_is_named()
    {
        foreach (var (file, network) in new[] { ("imagenet-18", "imagenet-34"), ("imagenet-34", "imagenet-18"),
            ("cifar-20", "cifar-26"), ("cifar-56-basic", "cifar-50") })
        {
            var found = Zeros(ResNetArchitecture.Parse(file));
            var options = Options with { Architecture = ResNetArchitecture.Parse(network), Strict = false };

            var message = Refused(found, options);

            StringAssert.Contains(message, $"The weights are of another network than {network}: its stages have", file);
            StringAssert.Contains(message, $"They are those of {file}.");
        }
        StringAssert.Contains(Refused(Zeros(ResNetArchitecture.ImageNet(18)), Options with
        {
            Architecture = ResNetArchitecture.ImageNet(34),
            Strict = false
        }), "have 3, 4, 6, 3 blocks, theirs 2, 2, 2, 2.");
    }

    [TestMethod]
    public void A_network_of_which_a_quarter_is_missing_is_filled_and_with_more_missing_refused()
    {
        // 20 convolutions; the last stage has 5 of them
        var found = Zeros(ResNetArchitecture.ImageNet(18)).Where(tensor => !tensor.Name.StartsWith("layer4.", StringComparison.Ordinal));
        var options = Options with { Architecture = ResNetArchitecture.ImageNet(18), Strict = false };

        Assert.HasCount(25, WeightsImport.Read(Safetensors([.. found]), options, seed: 1).Report.Missing);
        StringAssert.Contains(Refused([.. found.Where(tensor => tensor.Name != "layer3.0.conv1.weight")], options),
            "The weights lack 6 of the 20 convolutions of imagenet-18");
    }

    [TestMethod]
    public void Weights_of_no_residual_network_are_named_as_such()
    {
        NamedTensor[] lstm = [new("lstm.weight_ih_l0", ElementType.Float32, [8, 2], new byte[64])];
        var options = Options with { Architecture = ResNetArchitecture.ImageNet(18) };

        StringAssert.Contains(Refused(lstm, options),
            "They are of no residual network that this library knows; the first tensors are 'lstm.weight_ih_l0: Float32[8, 2]'.");
        StringAssert.Contains(Refused(Zeros(ResNetArchitecture.D2l18()), options), "They are those of d2l-resnet18-1channel.");
        StringAssert.Contains(Refused([.. Zeros(ResNetArchitecture.ImageNet(18)).Skip(1)],
            options with { Architecture = ResNetArchitecture.ImageNet(50) }),
            "The closest network is imagenet-18, where this does not fit: 1 missing: 'conv1.weight'.");
    }

    private static IReadOnlyList<NamedTensor> WithHead(string name)
        => [.. Tiny().Select(tensor => tensor with { Name = tensor.Name.Replace("fc.", name + ".") })];

    private static List<NamedTensor> Zeros(ResNetArchitecture architecture)
        => [.. NetworkPlan.StateOf(architecture, channels: 3, classes: 10).Select(entry => new NamedTensor(entry.Name, entry.Type,
            entry.Shape, new byte[entry.Shape.Aggregate(1L, (product, size) => product * size) * entry.Type.Size()]))];

    private static string Refused(IReadOnlyList<NamedTensor> tensors, ResNetWeightsOptions options)
        => Assert.ThrowsExactly<WeightsFormatException>(() => WeightsImport.Read(Safetensors(tensors), options, seed: 1)).Message;

    private static MLContext Logging(List<string> log)
    {
        var mlContext = new MLContext(seed: 1);
        mlContext.Log += (_, e) => log.Add($"{e.Kind}: {e.RawMessage}");
        return mlContext;
    }

    private static void AssertWarned(List<string> log, string part)
        => Assert.IsTrue(log.Exists(line => line.StartsWith("Warning: ", StringComparison.Ordinal) && line.Contains(part)),
            string.Join(Environment.NewLine, log));
}
