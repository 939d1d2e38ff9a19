using Microsoft.ML.ResNet.Interop.PyTorch;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Interop.PyTorch;

/// <summary>What training programs save beside the weights, and where they put them.</summary>
[TestClass]
public sealed class CheckpointContentsTests
{
    private static readonly byte[] Kernel = PickleText.Tensor("0", 4, 0, [1, 1, 2, 2], [4, 4, 2, 1]);
    private static readonly byte[] Bias = PickleText.Tensor("0", 4, 0, [4], [1]);

    /// <summary>As Python 3 writes them with protocol 2, and the newer protocols where it needs them.</summary>
    private static IEnumerable<object[]> ThingsBesideWeights =>
    [
        ["arguments", PickleText.Instance("argparse", "Namespace", ("lr", PickleText.Integer(1)), ("model", PickleText.Text("resnet18")))],
        ["counter", PickleText.Call(PickleText.Global("collections", "Counter"),
            [(byte)'}', (byte)'(', .. PickleText.Integer(30), .. PickleText.Integer(1), (byte)'u'])],
        ["defaultdict", (byte[])[.. PickleText.Call(PickleText.Global("collections", "defaultdict"), PickleText.Global("builtins", "list")),
            (byte)'(', .. PickleText.Text("x"), .. PickleText.Integer(1), (byte)'u']],
        ["numpy scalar", PickleText.Call(PickleText.Global("numpy.core.multiarray", "scalar"),
            PickleText.Call(PickleText.Global("numpy", "dtype"), PickleText.Text("f8"), [0x89], [0x88]),
            PickleText.Call(PickleText.Global("_codecs", "encode"), PickleText.Text("?"), PickleText.Text("latin1")))],
        ["numpy array", (byte[])[.. PickleText.Call(PickleText.Global("numpy.core.multiarray", "_reconstruct"),
            PickleText.Global("numpy", "ndarray"), PickleText.Tuple(PickleText.Integer(0)), [(byte)'C', 1, (byte)'b']),
            .. PickleText.Tuple(PickleText.Integer(1), PickleText.Tuple(PickleText.Integer(2)), PickleText.None, [0x89],
                [(byte)'B', 2, 0, 0, 0, 7, 7]), (byte)'b']],
        ["set", PickleText.Call(PickleText.Global("__builtin__", "set"), PickleText.List(PickleText.Integer(1)))],
        ["set of protocol 4", (byte[])[0x8F, (byte)'(', .. PickleText.Integer(1), 0x90]],
        ["frozen set of protocol 4", (byte[])[(byte)'(', .. PickleText.Integer(1), 0x91]],
        ["date", PickleText.Call(PickleText.Global("datetime", "datetime"), [(byte)'C', 3, 1, 2, 3])],
        ["path", PickleText.Call(PickleText.Global("pathlib", "PosixPath"), PickleText.Text("/"), PickleText.Text("data"))],
        ["bytes", (byte[])[0x8E, 2, 0, 0, 0, 0, 0, 0, 0, 1, 2]],
        ["byte array", (byte[])[0x96, 2, 0, 0, 0, 0, 0, 0, 0, 1, 2]],
        ["object with slots", (byte[])[.. PickleText.Global("a", "B"), .. PickleText.Tuple(), 0x81,
            .. PickleText.Tuple(PickleText.None, PickleText.Dictionary(("x", PickleText.Integer(1)))), (byte)'b']],
        ["keys of any kind", (byte[])[(byte)'}', (byte)'(', .. PickleText.Tuple(PickleText.Integer(1)), .. PickleText.Integer(1),
            .. PickleText.None, .. PickleText.None, (byte)'u']],
        ["a long text", PickleText.Text(new string('x', 2 << 20))],
        ["complex numbers", PickleText.Call(PickleText.Global("torch._utils", "_rebuild_tensor_v2"),
            PickleText.Storage("9", 1, "ComplexFloatStorage"), PickleText.Integer(0), PickleText.Tuple(), PickleText.Tuple())],
        ["element type", PickleText.Global("torch", "float32")],
        ["function", PickleText.Global("__main__", "collate")],
        ["lambda's result, called", PickleText.Call(PickleText.Call(PickleText.Global("functools", "partial")), PickleText.None)],
    ];

    [TestMethod]
    [DynamicData(nameof(ThingsBesideWeights))]
    public void What_is_no_tensor_is_passed_over(string thing, byte[] code)
    {
        byte[][] places =
        [
            PickleText.Dictionary((thing, code), ("state_dict", PickleText.Dictionary(("a", Kernel)))),
            PickleText.Dictionary(("state_dict", PickleText.Dictionary(("a", Kernel))), (thing, code)),
            PickleText.Dictionary(("state_dict", PickleText.Dictionary((thing, code), ("a", Kernel)))),
            PickleText.Dictionary((thing, code), ("a", Kernel)),
        ];

        foreach (var place in places)
            Assert.AreEqual("a: Float32[1, 1, 2, 2]", Read(place).Tensors.Single().ToString());
    }

    [TestMethod]
    public void A_score_saved_as_a_tensor_is_no_state_dictionary()
    {
        var state = PickleText.Dictionary(("a", Kernel), ("b", Bias));
        var checkpoint = Read(PickleText.Dictionary(("best_acc1", Bias), ("state_dict", state)));

        Assert.AreEqual("state_dict", checkpoint.Key);
        Assert.HasCount(2, checkpoint.Tensors);
        Assert.IsEmpty(checkpoint.OtherKeys);
    }

    [TestMethod]
    public void The_tensors_of_an_optimizer_are_no_weights()
    {
        var momentum = PickleText.Dictionary(("a", Kernel));
        var checkpoint = Read(PickleText.Dictionary(("optimizer", PickleText.Dictionary(("momentum", momentum))),
            ("my weights", PickleText.Dictionary(("a", Kernel)))));

        Assert.AreEqual("my weights", checkpoint.Key);
        Assert.IsEmpty(checkpoint.OtherKeys);
    }

    [TestMethod]
    [DataRow("optimizer", true)]
    [DataRow("optimizer_state_dict", true)]
    [DataRow("optimizer_states", true)]
    [DataRow("optimizers", true)]
    [DataRow("optimiser", true)]
    [DataRow("optim", true)]
    [DataRow("optim_dict", true)]
    [DataRow("g_optim", true)]
    [DataRow("optimizerG", true)]
    [DataRow("adamOptimizer", true)]
    [DataRow("optimizer1", true)]
    [DataRow("Optimizer", true)]
    [DataRow("opt_state", true)]
    [DataRow("opt", true)]
    [DataRow("optimus", false)]
    [DataRow("optimal_net", false)]
    [DataRow("suboptimizer_free_net", false)]
    [DataRow("optics", false)]
    [DataRow("adopted", false)]
    [DataRow("optional", false)]
    public void A_network_may_have_any_name_but_an_optimizers(string key, bool isOptimizers)
    {
        var checkpoint = Read(PickleText.Dictionary((key, PickleText.Dictionary(("a", Kernel))),
            ("state_dict", PickleText.Dictionary(("a", Kernel)))));
        Assert.AreEqual("state_dict", checkpoint.Key);
        Assert.AreEqual(isOptimizers ? "" : key, string.Join(" ", checkpoint.OtherKeys));
    }

    [TestMethod]
    [DataRow("state_dict", "state_dict_ema")]
    [DataRow("model", "model_ema")]
    [DataRow("model", "ema")]
    [DataRow("net", "averaged_net")]
    public void Plain_weights_go_before_their_average_which_can_be_chosen(string plain, string average)
    {
        var code = PickleText.Dictionary((average, PickleText.Dictionary(("b", Kernel))), (plain, PickleText.Dictionary(("a", Kernel))));

        var first = Read(code);
        var second = Read(code, average);

        Assert.AreEqual($"a {plain} {average}", $"{first.Tensors[0].Name} {first.Key} {first.OtherKeys.Single()}");
        Assert.AreEqual($"b {average} {plain}", $"{second.Tensors[0].Name} {second.Key} {second.OtherKeys.Single()}");
    }

    [TestMethod]
    public void Networks_of_unusual_names_must_be_chosen()
    {
        var code = PickleText.Dictionary(("generator", PickleText.Dictionary(("a", Kernel))),
            ("discriminator", PickleText.Dictionary(("ema", PickleText.Dictionary(("b", Kernel))))),
            ("critic", PickleText.Dictionary(("c", Kernel))));

        var error = Assert.ThrowsExactly<WeightsFormatException>(() => Read(code)).Message;

        StringAssert.Contains(error, "'generator', 'discriminator/ema', 'critic'. Choose one with StateDictKey");
        Assert.AreEqual("c", Read(code, "critic").Tensors[0].Name);
        Assert.AreEqual("b", Read(code, "discriminator/ema").Tensors[0].Name);
    }

    [TestMethod]
    public void A_model_that_was_pickled_whole_gives_its_state_dictionary()
    {
        var convolution = PickleText.Instance("torch.nn.modules.conv", "Conv2d", ("training", [0x88]),
            ("_parameters", PickleText.Dictionary(("weight", PickleText.Call(PickleText.Global("torch._utils", "_rebuild_parameter"),
                Kernel, [0x88], PickleText.None)), ("bias", PickleText.None))),
            ("_buffers", PickleText.Dictionary()), ("_modules", PickleText.Dictionary()));
        var norm = PickleText.Instance("torch.nn.modules.batchnorm", "BatchNorm2d",
            ("_parameters", PickleText.Dictionary(("weight", Bias))), ("_buffers", PickleText.Dictionary(("running_mean", Bias))),
            ("_modules", PickleText.Dictionary()));
        var model = PickleText.Instance("torchvision.models.resnet", "ResNet", ("inplanes", PickleText.Integer(64)),
            ("_modules", PickleText.Dictionary(("conv1", convolution), ("bn1", norm))));

        foreach (var (code, key) in new[] { (model, null), (PickleText.Dictionary(("model", model)), "model"),
            (PickleText.Instance("fastai.learner", "Learner", ("model", model)), "model") })
        {
            var checkpoint = Read(code);
            Assert.AreEqual(key, checkpoint.Key);
            CollectionAssert.AreEqual(new[] { "conv1.weight", "bn1.weight", "bn1.running_mean" },
                checkpoint.Tensors.Select(tensor => tensor.Name).ToArray());
        }
    }

    [TestMethod]
    public void A_model_of_TorchScript_gives_its_state_dictionary()
    {
        var convolution = PickleText.Instance("__torch__.torch.nn.modules.conv", "Conv2d", ("training", [0x89]), ("weight", Kernel));
        var code = PickleText.Instance("__torch__.torchvision.models.resnet", "ResNet", ("training", [0x89]), ("conv1", convolution));

        Assert.AreEqual("conv1.weight", Read(code).Tensors.Single().Name);
    }

    [TestMethod]
    public void A_tensor_of_a_class_of_its_own_is_a_tensor()
    {
        var inner = PickleText.Tuple(PickleText.Storage("0", 4), PickleText.Integer(0), PickleText.Tuple(PickleText.Integer(4)),
            PickleText.Tuple(PickleText.Integer(1)), [0x89], PickleText.None);
        var code = PickleText.Call(PickleText.Global("torch._tensor", "_rebuild_from_type_v2"),
            PickleText.Global("torch._utils", "_rebuild_tensor_v2"), PickleText.Global("fastai.torch_core", "TensorImage"), inner,
            PickleText.None);

        Assert.AreEqual("a: Float32[4]", Read(PickleText.Dictionary(("a", code))).Tensors.Single().ToString());
    }

    private static PyTorchCheckpoint Read(byte[] code, string? key = null)
        => PyTorchFile.Read(new MemoryStream(PickleText.Archive(code, ("0", [1, 2, 3, 4]))), key);
}
