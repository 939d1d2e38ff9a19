using System.Runtime.InteropServices;
using System.Text.Json;
using Google.Protobuf;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Interop.Onnx;
using Microsoft.ML.ResNet.Interop.Onnx.Schema;
using Microsoft.ML.ResNet.Tests.Support;
using DataType = Microsoft.ML.ResNet.Interop.Onnx.Schema.TensorProto.Types.DataType;

namespace Microsoft.ML.ResNet.Tests.Interop.Onnx;

/// <summary>Networks that PyTorch exported, against PyTorch's scores; and the same networks written in other ways.</summary>
[TestClass]
public class OnnxWeightsTests
{
    private const float Tolerance = 1e-5f;

    public required TestContext TestContext { get; set; }

    private static Dictionary<string, float[][]> Scores
        => JsonSerializer.Deserialize<Dictionary<string, float[][]>>(File.ReadAllBytes(GoldenNoise.Path("onnx/scores.json")))!;

    public static IEnumerable<object[]> Networks =>
    [
        ["resnet18", OnnxGolden.Narrow(18)],
        ["resnet34-fresh", OnnxGolden.Narrow(34)],
        ["resnet50-double", OnnxGolden.Narrow(50)],
        ["cifarstem", OnnxGolden.CifarStem],
    ];

    [TestMethod]
    [DynamicData(nameof(Networks))]
    public void Scores_are_PyTorchs(string name, ResNetArchitecture architecture)
    {
        using var model = new MLContext().Model.LoadResNetWeights(OnnxGolden.Path(name), OnnxGolden.Options(architecture));

        Assert.IsTrue(model.ImportedWeights!.IsExact, model.ImportedWeights.ToString());
        Assert.AreEqual("ONNX file", model.ImportedWeights.FileKind);
        AssertScores(name, model);
    }

    [TestMethod]
    [DynamicData(nameof(Networks))]
    public void The_architecture_is_read_off_the_graph(string name, ResNetArchitecture architecture)
    {
        using var file = File.OpenRead(OnnxGolden.Path(name));

        Assert.AreEqual(architecture, OnnxNetwork.Read(file).Architecture);
    }

    [TestMethod]
    public void Names_mean_nothing()
    {
        var model = OnnxGolden.Read("resnet18");
        var names = new Dictionary<string, string>();
        string New(string name) => name.Length == 0 ? "" : names.TryGetValue(name, out var known) ? known : names[name] = $"v{names.Count}";
        foreach (var node in model.Graph.Node)
        {
            node.Name = "";
            for (var i = 0; i < node.Input.Count; i++)
                node.Input[i] = New(node.Input[i]);
            for (var i = 0; i < node.Output.Count; i++)
                node.Output[i] = New(node.Output[i]);
        }
        foreach (var constant in model.Graph.Initializer)
            constant.Name = New(constant.Name);
        foreach (var value in model.Graph.Input.Concat(model.Graph.Output))
            value.Name = New(value.Name);

        AssertScores("resnet18", model);
    }

    [TestMethod]
    public void Weights_may_be_nodes_floats_in_their_own_field_or_handed_on()
    {
        var model = OnnxGolden.Read("resnet18");
        var nodes = new List<NodeProto>();
        foreach (var (index, constant) in model.Graph.Initializer.Index())
        {
            if (index % 2 == 0)
                (constant.FloatData, constant.RawData) = (constant.RawData, ByteString.Empty);
            if (index % 3 == 0)
                nodes.Add(new NodeProto
                {
                    OpType = "Constant",
                    Output = { constant.Name },
                    Attribute = { new AttributeProto { Name = "value", T = constant } },
                });
        }
        var kept = model.Graph.Initializer.Where((_, index) => index % 3 != 0).ToList();
        model.Graph.Initializer.Clear();
        model.Graph.Initializer.Add(kept);
        foreach (var node in model.Graph.Node)
        {
            nodes.Add(node);
            if (node.OpType is "Relu" or "Flatten")
            {
                nodes.Add(new NodeProto
                {
                    OpType = node.OpType == "Relu" ? "Identity" : "Dropout",
                    Input = { node.Output[0] + " before" },
                    Output = { node.Output[0] }
                });
                node.Output[0] += " before";
            }
        }
        model.Graph.Node.Clear();
        model.Graph.Node.Add(nodes);

        AssertScores("resnet18", model);
    }

    [TestMethod]
    public void Weights_of_16_bits_become_32()
    {
        var model = OnnxGolden.Read("resnet18");
        foreach (var constant in model.Graph.Initializer)
        {
            var halves = MemoryMarshal.Cast<byte, float>(constant.RawData.Span).ToArray().Select(value => (Half)value).ToArray();
            (constant.DataType, constant.RawData) = ((int)DataType.Float16, ByteString.CopyFrom(MemoryMarshal.AsBytes<Half>(halves)));
        }
        using var network = Load(model, OnnxGolden.Narrow(18));

        var weights = network.Model.Network.Weights;
        Assert.IsTrue(weights.All(tensor => tensor.Type is ResNet.Tensors.ElementType.Float32 or ResNet.Tensors.ElementType.Int64));
        AssertScores("resnet18", network, 2e-3f); // 11 bits
    }

    [TestMethod]
    [DataRow("ReduceMean")]
    [DataRow("ReduceMean with axes as a constant")]
    [DataRow("AveragePool")]
    public void Pooling_may_be_called_otherwise(string kind)
    {
        var model = OnnxGolden.Read("resnet18");
        var pool = model.Graph.Node.Single(node => node.OpType == "GlobalAveragePool");
        pool.OpType = kind.Split(' ')[0];
        if (kind == "ReduceMean")
            pool.Attribute.Add(new AttributeProto { Name = "axes", Ints = { -1, -2 } });
        else if (kind == "AveragePool")
            pool.Attribute.Add(new AttributeProto { Name = "kernel_shape", Ints = { 2, 2 } }); // what 64 pixels become
        else
        {
            model.Graph.Initializer.Add(
                new TensorProto { Name = "axes", DataType = (int)DataType.Int64, Dims = { 2 }, Int64Data = { 2, 3 } });
            pool.Input.Add("axes");
        }

        AssertScores("resnet18", model);
    }

    [TestMethod]
    public void The_head_may_be_a_product_and_a_sum_with_softmax_behind()
    {
        var model = OnnxGolden.Read("resnet18");
        var (nodes, head) = (model.Graph.Node, model.Graph.Node[^1]);
        nodes.RemoveAt(nodes.Count - 1);
        var weight = model.Graph.Initializer.Single(constant => constant.Name == "fc.weight");
        var values = MemoryMarshal.Cast<byte, float>(weight.RawData.Span).ToArray();
        var (rows, columns) = ((int)weight.Dims[0], (int)weight.Dims[1]);
        float[] transposed = [.. Enumerable.Range(0, columns * rows).Select(i => values[i % rows * columns + i / rows])];
        weight.RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<float>(transposed));
        (weight.Dims[0], weight.Dims[1]) = (columns, rows);
        nodes.Add(new NodeProto { OpType = "MatMul", Input = { head.Input[0], "fc.weight" }, Output = { "product" } });
        nodes.Add(new NodeProto { OpType = "Add", Input = { "fc.bias", "product" }, Output = { "logits" } });
        nodes.Add(new NodeProto { OpType = "Softmax", Input = { "logits" }, Output = { head.Output[0] } });

        AssertScores("resnet18", model);
    }

    [TestMethod]
    [DataRow(1)] // the head is cut off
    [DataRow(2)] // and flattening
    [DataRow(3)] // and pooling
    public void A_graph_may_end_before_its_head(int without)
    {
        var model = WithoutLast(OnnxGolden.Read("resnet18"), without);
        var options = OnnxGolden.Options(OnnxGolden.Narrow(18));
        using var network = Load(model, options with { ClassNames = null });

        Assert.IsTrue(network.ImportedWeights!.IsBackbone);
        StringAssert.Contains(network.ImportedWeights.ToString(),
            "100 matched, a backbone without a head; 2 missing: 'fc.weight', 'fc.bias'");
        StringAssert.Contains(Refused(model, options), "The weights are a backbone without a head");
    }

    [TestMethod]
    public void Padding_that_no_window_reaches_may_be_missing()
    {
        var model = OnnxGolden.Read("resnet18");
        foreach (var node in model.Graph.Node)
            if (node.Attribute.FirstOrDefault(attribute => attribute.Name == "strides")?.Ints[0] == 2
                && node.Attribute.First(attribute => attribute.Name == "pads").Ints is { } pads && pads[0] > 0)
                (pads[2], pads[3]) = (pads[2] - 1, pads[3] - 1);
        AssertScores("resnet18", model);

        model.Graph.Input[0].Type.TensorType.Shape.Dim[2].DimParam = "height";
        StringAssert.Contains(Refused(model, OnnxGolden.Options(OnnxGolden.Narrow(18))),
            "expected padding of 3 pixels on every side, or less where no window reaches, found 3 before and 2 behind, for images of any");
        model.Graph.Input[0].Type.TensorType.Shape.Dim[2].DimValue = 63; // odd: now windows reach it
        StringAssert.Contains(Refused(model, OnnxGolden.Options(OnnxGolden.Narrow(18))), "3 before and 2 behind 63 pixels");
    }

    [TestMethod]
    public void Padding_may_be_automatic_where_it_comes_out_the_same()
    {
        var model = OnnxGolden.Read("resnet18");
        foreach (var node in model.Graph.Node.Where(node => node.OpType is "Conv"))
        {
            var pads = node.Attribute.First(attribute => attribute.Name == "pads");
            pads.Ints.Clear();
            (pads.Name, pads.S) = ("auto_pad", ByteString.CopyFromUtf8("SAME_LOWER"));
        }
        AssertScores("resnet18", model);

        foreach (var node in model.Graph.Node.Where(node => node.OpType is "Conv"))
            node.Attribute.First(attribute => attribute.Name == "auto_pad").S = ByteString.CopyFromUtf8("SAME_UPPER");
        StringAssert.Contains(Refused(model, OnnxGolden.Options(OnnxGolden.Narrow(18))), "found 2 before and 3 behind 64 pixels");
    }

    [TestMethod]
    public void Folded_normalisations_are_refused_with_the_way_to_export()
    {
        var options = OnnxGolden.Options(OnnxGolden.Narrow(18));

        var message = Refused(OnnxGolden.Read("folded"), options);
        var ours = Assert.ThrowsExactly<WeightsFormatException>(
            () => WeightsImport.Read(new MemoryStream(ExportedModel.Export(ExportedModel.Tiny())), options, seed: 1)).Message;

        StringAssert.Contains(message, "they have been folded into the weights");
        StringAssert.Contains(message, "training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False");
        StringAssert.Contains(ours, "The file was written by SaveOnnx; load the saved model instead");
    }

    [TestMethod]
    public void Another_network_is_refused_even_if_its_tensors_fit()
    {
        var asked = OnnxGolden.Narrow(18) with { Stages = [.. OnnxGolden.Narrow(18).Stages.Select(stage => stage with { Stride = 1 })] };
        var message = Refused(OnnxGolden.Read("resnet18"), OnnxGolden.Options(asked));

        StringAssert.Contains(message, "The graph of the ONNX file is that of custom-18 (");
        StringAssert.Contains(message, "stages 2 x 4 / 1, 2 x 8 / 2, 2 x 8 / 2, 2 x 12 / 2)");
        StringAssert.Contains(message, "2 x 12 / 1)");
        StringAssert.Contains(Refused(OnnxGolden.Read("resnet18"), OnnxGolden.Options(OnnxGolden.Narrow(18)) with { StateDictKey = "ema" }),
            "'ema'");
    }

    private static ModelProto WithoutLast(ModelProto model, int count)
    {
        for (; count > 0; count--)
        {
            model.Graph.Output[0].Name = model.Graph.Node[^1].Input[0];
            model.Graph.Node.RemoveAt(model.Graph.Node.Count - 1);
        }
        return model;
    }

    private void AssertScores(string name, ModelProto model)
    {
        using var network = Load(model, OnnxGolden.Narrow(18));
        AssertScores(name, network);
    }

    private void AssertScores(string name, ResNetTransformer network, float tolerance = Tolerance)
    {
        var images = ExportedModel.View(network.Model.ImageShape, OnnxGolden.Images());
        var scores = network.Transform(images).GetColumn<float[]>("Score").ToArray();
        var worst = Scores[name].Zip(scores, (expected, actual) => expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max()).Max();
        TestContext.WriteLine($"{name}: worst absolute error {worst:0.0e+0}");
        Assert.IsLessThanOrEqualTo(tolerance, worst);
    }

    private static ResNetTransformer Load(ModelProto model, ResNetArchitecture architecture)
        => Load(model, OnnxGolden.Options(architecture));

    private static ResNetTransformer Load(ModelProto model, ResNetWeightsOptions options)
        => new MLContext().Model.LoadResNetWeights(model.ToStream(), options);

    private static string Refused(ModelProto model, ResNetWeightsOptions options)
        => Assert.ThrowsExactly<WeightsFormatException>(() => WeightsImport.Read(model.ToStream(), options, seed: 1)).Message;
}
