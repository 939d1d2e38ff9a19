using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Interop;

[TestClass]
public sealed class ForeignStateNamesTests
{
    [TestMethod]
    [DataRow("cifar-20")]
    [DataRow("cifar-20-optionA")]
    [DataRow("imagenet-18")]
    [DataRow("imagenet-50")]
    [DataRow("d2l-resnet18-1channel")]
    public void Our_names_stay(string network)
    {
        var names = Names(network);

        CollectionAssert.AreEqual(names, ToOurs(names));
    }

    [TestMethod]
    [DataRow("imagenet-18-cifarstem")]
    [DataRow("imagenet-50-cifarstem")]
    public void The_names_of_kuangliu_are_understood_with_and_without_the_prefix_of_DataParallel(string network)
    {
        var ours = Names(network);
        var theirs = ours.Select(name => name.Replace(".downsample.", ".shortcut.").Replace("fc.", "linear.")).ToArray();

        CollectionAssert.AreEqual(ours, ToOurs(theirs));
        CollectionAssert.AreEqual(ours, ToOurs([.. theirs.Select(name => "module." + name)]));
    }

    [TestMethod]
    public void The_published_weights_of_akamaster_get_our_names_and_shapes()
    {
        using var file = File.OpenRead(SharedData.Require("data/resnet20-12fca82f.th"));
        var tensors = WeightsFile.Read(file).Tensors;

        var expected = GoldenNoise.State("cifar-20-optionA")
            .Where(entry => !entry.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal)).ToList();
        CollectionAssert.AreEqual(expected.Select(entry => entry.Name).ToArray(), tensors.Select(tensor => tensor.Name).ToArray());
        foreach (var (entry, tensor) in expected.Zip(tensors))
            CollectionAssert.AreEqual(entry.Shape, tensor.Shape.ToArray(), tensor.Name);
    }

    [TestMethod]
    public void The_class_of_Dive_into_Deep_Learning_is_understood()
    {
        var ours = Names("d2l-resnet18-1channel");
        var theirs = ours.Select(name => Regex.Replace(Regex.Replace(Regex.Replace(name, "^0", "net.0"), "^7", "net.last.2"),
            "^[1-4]", match => $"net.b{match.Value[0] - '0' + 1}")).ToArray();
        CollectionAssert.Contains(theirs, "net.b5.1.bn2.running_var");

        CollectionAssert.AreEqual(ours, ToOurs(theirs));
    }

    [TestMethod]
    public void The_function_of_Dive_into_Deep_Learning_is_understood()
    {
        var ours = Names("d2l-resnet18-1channel");
        var theirs =
            ours.Select(name => Regex.Replace(Regex.Replace(Regex.Replace(name, "^[1-4]", "resnet_block$0"), @"^0\.", ""), "^7", "fc.1"))
            .ToArray();
        CollectionAssert.Contains(theirs, "0.weight");
        CollectionAssert.Contains(theirs, "resnet_block4.1.conv2.bias");

        CollectionAssert.AreEqual(ours, ToOurs(theirs));
    }

    [TestMethod]
    [DataRow("imagenet-18")]
    [DataRow("imagenet-50")]
    public void The_names_of_Hugging_Face_are_understood(string network)
    {
        var ours = Names(network);
        var theirs = ours.Select(ToHuggingFace).ToArray();
        CollectionAssert.Contains(theirs, "resnet.encoder.stages.1.layers.0.shortcut.normalization.running_mean");

        CollectionAssert.AreEqual(ours.Select(name => name.Replace("fc.", "classifier.1.")).ToArray(), ToOurs(theirs));
    }

    [TestMethod]
    public void The_children_of_a_network_in_a_sequence_are_understood()
    {
        var ours = Names("imagenet-18");
        var theirs = ours.Select(name => name switch
        {
            ['l', ..] => $"0.{name[5] - '0' + 3}{name[6..]}", // layer1 is 4
            ['c', ..] => name.Replace("conv1.", "0.0."),
            ['b', ..] => name.Replace("bn1.", "0.1."),
            _ => name.Replace("fc.", "1.2."),
        }).ToArray();
        CollectionAssert.Contains(theirs, "0.4.0.conv1.weight");

        CollectionAssert.AreEqual(ours.Select(name => name.Replace("fc.", "1.2.")).ToArray(), ToOurs(theirs)); // the head: by its shape
    }

    [TestMethod]
    [DataRow("module.")]
    [DataRow("module._orig_mod.")]
    [DataRow("model.")]
    [DataRow("net.")]
    [DataRow("backbone.")]
    [DataRow("resnet.")]
    [DataRow("encoder.")]
    [DataRow("any.thing.")]
    public void Whatever_stands_before_the_network_is_dropped(string prefix)
    {
        var ours = Names("imagenet-18");

        CollectionAssert.AreEqual(ours, ToOurs([.. ours.Select(name => prefix + name)]));
        CollectionAssert.AreEqual(ours,
            ToOurs([.. ours.Select(name => name.StartsWith("fc.", StringComparison.Ordinal) ? name : prefix + name)])); // a head beside it
    }

    [TestMethod]
    public void Of_two_networks_in_one_state_dictionary_the_plain_one_is_taken_and_the_other_told()
    {
        var names = Names("cifar-20");
        NamedTensor[] tensors = [.. names.Select(name => Tensor("ema_model." + name)), .. names.Select(name => Tensor("model." + name))];

        var plain = ForeignStateNames.Resolve(new(tensors, null, []), null);
        var average = ForeignStateNames.Resolve(new(tensors, null, []), "ema_model");

        Assert.AreEqual("model", plain.Key);
        CollectionAssert.AreEqual(new[] { "ema_model" }, plain.OtherKeys.ToArray());
        Assert.AreEqual("ema_model", average.Key);
        CollectionAssert.AreEqual(names, average.Tensors.Select(tensor => tensor.Name).ToArray());
        Assert.AreSame(tensors[0].Shape, average.Tensors[0].Shape);
    }

    [TestMethod]
    public void Which_of_two_networks_is_meant_must_be_said_where_nothing_tells()
    {
        NamedTensor[] tensors = [Tensor("encoder_q.layer1.0.conv1.weight"), Tensor("encoder_k.layer1.0.conv1.weight")];

        var error = Assert.ThrowsExactly<WeightsFormatException>(() => ForeignStateNames.Resolve(new(tensors, null, []), null)).Message;
        var unknown = Assert.ThrowsExactly<WeightsFormatException>(() => ForeignStateNames.Resolve(new(tensors, null, []), "q")).Message;

        StringAssert.Contains(error, "'encoder_q', 'encoder_k'. Choose one with StateDictKey");
        StringAssert.Contains(unknown, "a network 'q', as StateDictKey says, found 'encoder_q', 'encoder_k'");
    }

    [TestMethod]
    public void Two_tensors_for_one_part_are_refused()
    {
        NamedTensor[] tensors = [Tensor("layer1.0.conv1.weight"), Tensor("linear.weight"), Tensor("fc.weight")];

        var error = Assert.ThrowsExactly<WeightsFormatException>(() => ForeignStateNames.Resolve(new(tensors, null, []), null));

        StringAssert.Contains(error.Message, "'fc.weight'");
    }

    /// <summary>The name that Hugging Face's transformers give to one of torchvision's.</summary>
    internal static string ToHuggingFace(string name) => name switch
    {
        ['c', ..] => name.Replace("conv1.", "resnet.embedder.embedder.convolution."),
        ['b', ..] => name.Replace("bn1.", "resnet.embedder.embedder.normalization."),
        ['f', ..] => name.Replace("fc.", "classifier.1."), // outside the prefix; told by its shape later
        _ => Regex.Replace(name, @"^layer(\d)\.(\d+)\.(conv|bn|downsample\.)(\d)\.", match =>
            $"resnet.encoder.stages.{match.Groups[1].Value[0] - '1'}.layers.{match.Groups[2]}."
            + (match.Groups[3].Value, match.Groups[4].Value) switch
            {
                ("conv", var layer) => $"layer.{layer[0] - '1'}.convolution.",
                ("bn", var layer) => $"layer.{layer[0] - '1'}.normalization.",
                (_, "0") => "shortcut.convolution.",
                _ => "shortcut.normalization.",
            }),
    };

    private static string[] ToOurs(string[] names)
        => [.. ForeignStateNames.Resolve(new([.. names.Select(Tensor)], null, []), null).Tensors.Select(tensor => tensor.Name)];

    private static NamedTensor Tensor(string name) => new(name, ElementType.Float32, [1], new byte[4]);

    private static string[] Names(string network) => [.. GoldenNoise.State(network).Select(entry => entry.Name)];
}
