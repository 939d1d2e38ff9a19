using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Interop.PyTorch;
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

        CollectionAssert.AreEqual(names, ForeignStateNames.ToOurs(names).ToArray());
    }

    [TestMethod]
    [DataRow("imagenet-18-cifarstem")]
    [DataRow("imagenet-50-cifarstem")]
    public void The_names_of_kuangliu_are_understood_with_and_without_the_prefix_of_DataParallel(string network)
    {
        var ours = Names(network);
        var theirs = ours.Select(name => name.Replace(".downsample.", ".shortcut.").Replace("fc.", "linear.")).ToArray();

        CollectionAssert.AreEqual(ours, ForeignStateNames.ToOurs(theirs).ToArray());
        CollectionAssert.AreEqual(ours, ForeignStateNames.ToOurs(theirs.Select(name => "module." + name)).ToArray());
    }

    [TestMethod]
    public void The_published_weights_of_akamaster_get_our_names_and_shapes()
    {
        var tensors = ForeignStateNames.ToOurs(PyTorchFile.Read(SharedData.Require("data/resnet20-12fca82f.th")).Tensors);

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

        CollectionAssert.AreEqual(ours, ForeignStateNames.ToOurs(theirs).ToArray());
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

        CollectionAssert.AreEqual(ours, ForeignStateNames.ToOurs(theirs).ToArray());
    }

    [TestMethod]
    public void A_wrapper_prefix_is_dropped_only_where_all_names_have_it()
    {
        CollectionAssert.AreEqual(new[] { "a", "b" }, ForeignStateNames.WithoutWrappers(["module._orig_mod.a", "module._orig_mod.b"])
            .ToArray());
        CollectionAssert.AreEqual(new[] { "module.a", "b" }, ForeignStateNames.WithoutWrappers(["module.a", "b"]).ToArray());
        Assert.IsEmpty(ForeignStateNames.WithoutWrappers([]));
    }

    [TestMethod]
    public void Two_tensors_for_one_part_are_refused()
    {
        var tensor = new NamedTensor("linear.weight", ElementType.Float32, [1], new byte[4]);

        var error = Assert.ThrowsExactly<WeightsFormatException>(
            () => ForeignStateNames.ToOurs([tensor, tensor with { Name = "fc.weight" }]));

        StringAssert.Contains(error.Message, "'fc.weight'");
    }

    private static string[] Names(string network) => [.. GoldenNoise.State(network).Select(entry => entry.Name)];
}
