using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Network;

[TestClass]
public class ResNetArchitectureTests
{
    [TestMethod]
    [DataRow(20, ResNetBlock.Basic)]
    [DataRow(32, ResNetBlock.Basic)]
    [DataRow(38, ResNetBlock.Basic)]
    [DataRow(44, ResNetBlock.Basic)] // only basic blocks fit
    [DataRow(47, ResNetBlock.Bottleneck)] // only bottlenecks fit
    [DataRow(56, ResNetBlock.Bottleneck)] // both fit
    [DataRow(110, ResNetBlock.Bottleneck)]
    [DataRow(1199, ResNetBlock.Bottleneck)]
    [DataRow(1202, ResNetBlock.Basic)]
    public void Cifar_chooses_the_block_that_fits(int depth, ResNetBlock expected)
    {
        var architecture = ResNetArchitecture.Cifar(depth);

        Assert.AreEqual(expected, architecture.Block);
        Assert.AreEqual(depth, architecture.Depth);
    }

    [TestMethod]
    [DataRow(21, "20 and 26")]
    [DataRow(46, "44 and 47")]
    [DataRow(1, "8")]
    [DataRow(-5, "8")]
    [DataRow(int.MinValue, "8")]
    public void An_impossible_depth_names_the_nearest_valid_ones(int depth, string nearest)
    {
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ResNetArchitecture.Cifar(depth));

        StringAssert.Contains(error.Message, $"nearest valid depths are {nearest}.");
    }

    [TestMethod]
    public void A_depth_that_does_not_fit_the_named_block_is_refused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ResNetArchitecture.Cifar(47, ResNetBlock.Basic)).Message, "44 and 50");

    [TestMethod]
    [DataRow("cifar-20")]
    [DataRow("cifar-56")]
    [DataRow("cifar-56-basic")]
    [DataRow("cifar-20-bottleneck")]
    [DataRow("cifar-20-optionA")]
    [DataRow("imagenet-18")]
    [DataRow("imagenet-152")]
    [DataRow("imagenet-50-cifarstem")]
    [DataRow("d2l-resnet18-1channel")]
    [DataRow("quick-8")]
    [DataRow("quick-10")]
    public void A_name_survives_parsing(string name) => Assert.AreEqual(name, ResNetArchitecture.Parse(name).Name);

    [TestMethod]
    [DataRow("cifar-44-basic", "cifar-44")]
    [DataRow("cifar-47-bottleneck", "cifar-47")]
    public void A_needless_block_is_dropped_from_the_name(string name, string canonical)
    {
        Assert.AreEqual(canonical, ResNetArchitecture.Parse(name).Name);
        Assert.AreEqual(ResNetArchitecture.Parse(canonical), ResNetArchitecture.Parse(name));
    }

    [TestMethod]
    [DataRow("resnet18", "imagenet-18")]
    [DataRow("ResNet-18", "imagenet-18")]
    [DataRow("ResNet50", "imagenet-50")] // of both families' depths, ImageNet's
    [DataRow("resnet-101", "imagenet-101")]
    [DataRow("RESNET152", "imagenet-152")]
    [DataRow("ImageNet-34", "imagenet-34")]
    [DataRow("imagenet18", "imagenet-18")]
    [DataRow("resnet18-cifarstem", "imagenet-18-cifarstem")]
    [DataRow("resnet20", "cifar-20")]
    [DataRow("ResNet-20-optionA", "cifar-20-optionA")]
    [DataRow("cifar-20-optiona", "cifar-20-optionA")]
    [DataRow("CIFAR-20", "cifar-20")]
    [DataRow("cifar20", "cifar-20")]
    [DataRow("resnet44", "cifar-44")]
    [DataRow("resnet56", "cifar-56-basic")] // the paper's networks for CIFAR have basic blocks
    [DataRow("resnet110", "cifar-110-basic")]
    [DataRow("resnet56-bottleneck", "cifar-56")]
    [DataRow("resnet164", "cifar-164-basic")]
    [DataRow("resnet29", "cifar-29")] // only bottlenecks fit
    [DataRow("D2L-ResNet18-1Channel", "d2l-resnet18-1channel")]
    [DataRow("Quick-8", "quick-8")]
    public void A_name_as_others_write_it_is_understood(string name, string canonical)
        => Assert.AreEqual(canonical, ResNetArchitecture.Parse(name).Name);

    [TestMethod]
    [DataRow("resnet21", "18, 34, 50, 101, 152")]
    [DataRow("resnet18-basic", "-basic and -bottleneck with cifar names")]
    [DataRow("resnet20-cifarstem", "-cifarstem goes with imagenet names")]
    [DataRow("wide_resnet50_2", "such as resnet18 (imagenet-18)")]
    public void A_name_that_is_nearly_right_says_what_would_be(string name, string expected)
        => StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => ResNetArchitecture.Parse(name)).Message, expected);

    [TestMethod]
    [DataRow("cifar-20", "3x32x32")]
    [DataRow("imagenet-18-cifarstem", "3x32x32")]
    [DataRow("imagenet-50", "3x224x224")]
    [DataRow("d2l-resnet18-1channel", "1x224x224")]
    [DataRow("quick-8", "3x32x32")]
    [DataRow("quick-10", "3x32x32")]
    public void A_plan_knows_the_images_that_it_is_usually_given(string name, string shape)
        => Assert.AreEqual(shape, ResNetArchitecture.Parse(name).UsualImageShape.ToString());

    [TestMethod]
    [DataRow("resnet")]
    [DataRow("cifar-")]
    [DataRow("cifar-20-cifarstem")]
    [DataRow("imagenet-18-basic")]
    [DataRow("imagenet-20")]
    [DataRow("cifar-21")]
    [DataRow("quick-9")]
    [DataRow("cifar-99999999999")]
    public void A_name_that_means_nothing_is_an_argument_error(string name)
        => Assert.IsInstanceOfType<ArgumentException>(Assert.Throws<ArgumentException>(() => ResNetArchitecture.Parse(name)));

    [TestMethod]
    public void The_quick_network_is_what_its_summary_says()
    {
        var layers = ResNetArchitecture.Quick().Summarize(new ImageShape(3, 32, 32), 10);
        int[] widths = [16, 48, 96, 192];

        // Of each stage: two 3x3 convolutions and the projection past them, all normalised, on a quarter of the pixels.
        long Weights(int stage) => 9L * widths[stage] * (widths[stage - 1] + widths[stage]) + widths[stage - 1] * widths[stage];
        Assert.AreEqual(9 * 3 * 16 + 2 * 16 + Enumerable.Range(1, 3).Sum(stage => Weights(stage) + 6 * widths[stage]) + 193 * 10,
            layers.Sum(layer => layer.ParameterCount));
        Assert.AreEqual(9 * 3 * 16 * 1024 + Enumerable.Range(1, 3).Sum(stage => Weights(stage) * (1024 >> 2 * stage)) + 192 * 10,
            layers.Sum(layer => layer.MultiplyAdds));
    }

    [TestMethod]
    public void A_plan_no_name_describes_says_so()
        => Assert.AreEqual("custom-8", (ResNetArchitecture.Cifar(8) with { StemWidth = 24 }).Name);

    [TestMethod]
    public void Equal_plans_are_equal_values()
    {
        Assert.AreEqual(ResNetArchitecture.Cifar(20), ResNetArchitecture.Cifar(20));
        Assert.AreEqual(ResNetArchitecture.Cifar(20).GetHashCode(), ResNetArchitecture.Cifar(20).GetHashCode());
        Assert.AreNotEqual(ResNetArchitecture.Cifar(20), ResNetArchitecture.Cifar(20) with { ConvolutionBias = true });
    }

    [TestMethod]
    public void The_summary_counts_what_the_papers_count()
    {
        var layers = ResNetArchitecture.Cifar(20).Summarize(new ImageShape(3, 32, 32), 10);

        Assert.AreEqual(272_474, layers.Sum(layer => layer.ParameterCount));
        Assert.AreEqual(new ImageShape(64, 8, 8), layers.Last(layer => layer.Name == "layer3.2.bn2").OutputShape);

        var optionA = ResNetArchitecture.Parse("cifar-20-optionA").Summarize(new ImageShape(3, 32, 32), 10);
        Assert.AreEqual(40.6, optionA.Sum(layer => layer.MultiplyAdds) / 1e6, 0.05); // akamaster's table: 40.6 million
        // torchvision's: 4.09 billion
        Assert.AreEqual(4.09, ResNetArchitecture.ImageNet(50).Summarize(new ImageShape(3, 224, 224), 1000)
            .Sum(layer => layer.MultiplyAdds) / 1e9, 0.01);
    }

    /// <summary>All golden networks, and shortcuts, biases and names that no golden network has.</summary>
    public static IEnumerable<object[]> Plans =>
        GoldenNetworkTests.Networks.Select(network => new object[] { ResNetArchitecture.Parse((string)network[0]) })
            .Append([ResNetArchitecture.Cifar(8) with { ConvolutionBias = true, Shortcut = ResNetShortcut.BareProjection }])
            .Append([ResNetArchitecture.Cifar(29) with { Naming = ResNetNaming.D2l }]);

    [TestMethod]
    [DynamicData(nameof(Plans))]
    public void The_plan_on_paper_is_the_network(ResNetArchitecture architecture)
    {
        using var network = new ResidualNetwork(architecture, channels: 3, classes: 7);

        var built = StateDictionary.Entries(network).Select(entry => $"{entry.Name} [{string.Join(", ", entry.Tensor.shape)}]").ToArray();
        var planned = NetworkPlan.StateOf(architecture, channels: 3, classes: 7)
            .Select(entry => $"{entry.Name} [{string.Join(", ", entry.Shape)}]").ToArray();

        CollectionAssert.AreEqual(built, planned);
    }

    [TestMethod]
    public void The_summary_uses_the_names_of_the_state_dictionary()
    {
        var architecture = ResNetArchitecture.D2l18();
        var layers = architecture.Summarize(new ImageShape(1, 224, 224), 10).Select(layer => layer.Name).ToList();

        CollectionAssert.AreEqual(new[] { "0.0", "0.1", "0.3", "1.0.conv1" }, layers.Take(4).ToArray());
        CollectionAssert.AreEqual(new[] { "5", "7" }, layers.TakeLast(2).ToArray());
        foreach (var entry in NetworkPlan.StateOf(architecture, channels: 1, classes: 10))
            CollectionAssert.Contains(layers, entry.Name[..entry.Name.LastIndexOf('.')]);
    }

    [TestMethod]
    public void No_two_layers_share_a_name_under_any_naming()
    {
        var plans = from block in new[] { ResNetBlock.Basic, ResNetBlock.Bottleneck }
                    from shortcut in Enum.GetValues<ResNetShortcut>()
                    from naming in Enum.GetValues<ResNetNaming>()
                    select ResNetArchitecture.Cifar(20, block) with { Shortcut = shortcut, Naming = naming };

        foreach (var plan in plans)
            CollectionAssert.AllItemsAreUnique(NetworkPlan.StateOf(plan, channels: 3, classes: 10).Select(entry => entry.Name).ToList());
    }

    [TestMethod]
    public void A_name_for_each_golden_network()
    {
        foreach (var name in GoldenNetwork.Names.Where(name => name != "cifar-20-100classes-1channel"))
        {
            var golden = new GoldenNetwork(name);
            var layers = ResNetArchitecture.Parse(name).Summarize(new ImageShape(golden.InputShape[1], 32, 32), golden.Classes);
            Assert.AreEqual(golden.Parameters, layers.Sum(layer => layer.ParameterCount), name);
        }
    }
}
