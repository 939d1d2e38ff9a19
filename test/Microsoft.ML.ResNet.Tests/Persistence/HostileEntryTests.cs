using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Tests.Persistence;

/// <summary>
/// The two entries, each as an attacker would write it. Every file either becomes a model that scores, or is one
/// <see cref="ModelFormatException"/>.
/// </summary>
[TestClass]
public class HostileEntryTests
{
    private const long MemoryLimit = 4 * 1024 * 1024;
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(30);
    private static readonly TrainedResNet Model = SavedModel.Create() with { History = SavedModel.History(3), KeptEpoch = 2 };
    private static readonly string Json = SavedModel.Description(Model);
    private static readonly byte[] Weights = SavedModel.Entries(Model).Weights;

    /// <summary>A member of the description, a value for it as JSON, and what the message must say.</summary>
    public static IEnumerable<object[]> WrongMembers =>
    [
        ["format", "0", "format 0"], ["format", "-1", "format -1"], ["format", "1.5", "$.format"], ["format", "\"1\"", "$.format"],
            ["format", "null", "$.format"],
        ["architecture", "null", "rchitecture"], ["architecture", "[]", "$.architecture"], ["architecture.stem", "\"Fancy\"", "stem"],
            ["architecture.stem", "0", "stem"],
        ["architecture.shortcut", "\"Padding, BareProjection\"", "shortcut"], ["architecture.block", "null", "block"],
        ["architecture.stemWidth", "0", "StemWidth is 0"], ["architecture.stemWidth", "-4", "StemWidth is -4"],
            ["architecture.stemWidth", "2000000000", "wider"], ["architecture.stemWidth", "1048576", "conv1.weight"],
        ["architecture.stemWidth", "99999999999", "stemWidth"], ["architecture.stemWidth", "\"4\"", "stemWidth"],
        ["architecture.stages", "[]", "at least one stage"], ["architecture.stages", "null", "tages"],
            ["architecture.stages", "[null]", "stages"], ["architecture.stages", "[{\"width\":4,\"blocks\":1}]", "stride"],
        ["architecture.stages",
            "[{\"width\":4,\"blocks\":2147483647,\"stride\":1},{\"width\":4,\"blocks\":2147483647,\"stride\":1}]", "blocks"],
        ["architecture.stages", "[{\"width\":1048576,\"blocks\":20000,\"stride\":16384}]", "layer1.0.conv1"],
        ["architecture.stages", "[{\"width\":4,\"blocks\":20000,\"stride\":1}]", "layer1.1.conv1"],
            ["architecture.stages", "[{\"width\":-4,\"blocks\":-1,\"stride\":0}]", "at least 1"],
        ["architecture.convolutionBias", "true", "conv1.bias"], ["architecture.convolutionBias", "1", "convolutionBias"],
        ["image.channels", "0", "images of 0x8x8"], ["image.channels", "5", "images of 5x8x8"], ["image.channels", "1", "mean"],
            ["image.height", "-8", "3x-8x8"], ["image.width", "2147483647", "3x8x2147483647"],
        ["image.mean", "[]", "mean"], ["image.mean", "[0,0,0,0]", "mean"], ["image.mean", "[0,0,1e999]", "mean"],
            ["image.mean", "[0,0,\"NaN\"]", "mean"], ["image.mean", "[0,0,null]", "mean"],
        ["image.deviation", "[1,1,0]", "deviation"], ["image.deviation", "[1,1,-1]", "deviation"],
            ["image.deviation", "[1,1,1e-45]", "deviation"], ["image.deviation", "[1,1,1e999]", "deviation"],
            ["image.deviation", "null", "eviation"],
        ["image.black", "255", "black"], ["image.full", "0", "black"], ["image.full", "1e999", "black"],
        ["image.layout", "\"Diagonal\"", "layout"], ["image.layout", "\"Planar, Interleaved\"", "layout"], ["image.order", "7", "order"],
        ["classes.count", "1", "1 classes"], ["classes.count", "-3", "-3 classes"], ["classes.count", "2147483647", "2147483647 classes"],
            ["classes.count", "4", "4 class values"],
        ["classes.type", "\"Vector<Single>\"", "'Vector<Single>'"], ["classes.type", "\"Int32\"", "Int32"], ["classes.type", "7", "type"],
        ["classes.values", "null", "3 class values"], ["classes.values", "{}", "3 class values"],
            ["classes.values", "[1,2,3]", "class values"], ["classes.values", "[\"a\",null,\"c\"]", "null"],
        ["classes.values", "[\"a\",\"b\",\"\\ud800\"]", "model.json"], ["columns.feature", "null", "eature"],
            ["columns.feature", "\" \"", "without a name"], ["columns.score", "\"PredictedLabel\"", "one name"],
        ["weights", "{\"sha256\":\"00\"}", "SHA-256"], ["weights", "7", "weights"],
        ["history", "[]", "history"], ["history", "{}", "keptEpoch"], ["history.numberOfEpochs", "2", "3 of 2 epochs"],
            ["history.numberOfEpochs", "\"NaN\"", "numberOfEpochs"],
        ["history.keptEpoch", "0", "epoch 0"], ["history.keptEpoch", "4", "epoch 4"], ["history.keptEpoch", "null", "keptEpoch"],
            ["history.keptEpoch", "2.5", "keptEpoch"],
        ["history.epochs", "[]", "0 epochs"], ["history.epochs", "null", "pochs"], ["history.epochs", "[null]", "after epoch 0"],
            ["history.epochs", "[{}]", "epoch"], ["history.epochs", "7", "epochs"],
        ["history.epochs", $"[{Epoch(0)}]", "'0' after epoch 0"], ["history.epochs", $"[{Epoch(2)},{Epoch(2)}]", "'2' after epoch 2"],
            ["history.epochs", $"[{Epoch(1).Replace("0.5", "\"half\"")}]", "trainLoss"],
        ["history.epochs", $"[{string.Join(',', Enumerable.Repeat("null", 10_001))}]", "10001 epochs"],
    ];

    private static string Epoch(int number)
        => $"{{\"epoch\":{number},\"learningRate\":1,\"trainLoss\":0.5,\"trainAccuracy\":1,"
            + "\"imagesPerSecond\":1,\"elapsed\":1,\"timeLeft\":1}";

    [TestMethod]
    [DynamicData(nameof(WrongMembers))]
    public void A_wrong_member_is_named(string path, string value, string message)
        => StringAssert.Contains(Refused(With(path, value), Weights).Message, message);

    [TestMethod]
    [DataRow("format"), DataRow("architecture"), DataRow("image"), DataRow("classes"), DataRow("columns"), DataRow("architecture.stem"),
        DataRow("image.mean"), DataRow("columns.label")]
    public void A_missing_member_is_named(string path)
        => StringAssert.Contains(Refused(With(path, null), Weights).Message, path.Split('.')[^1]);

    [TestMethod]
    public void A_newer_format_asks_for_a_newer_version_whatever_its_members()
    {
        var error = Refused("""{"format":3,"network":{"blocks":[]}}""", Weights);

        StringAssert.Contains(error.Message, "format 3");
        StringAssert.Contains(error.Message, "newer version");
    }

    [TestMethod]
    public void Unknown_members_are_skipped()
    {
        var json = With("future", "{\"a\":[[[{}]]]}");
        json = With("image.future", "[null]", json);
        json = With("architecture.name", "null", json);

        Assert.AreEqual(Model.Architecture, Read(json, Weights)!.Architecture);
    }

    [TestMethod]
    [DataRow("""{"format":1,"format":1}""", "Duplicate", DisplayName = "one name twice")]
    [DataRow("null", "null", DisplayName = "null")]
    [DataRow("[]", "model.json", DisplayName = "an array")]
    [DataRow("", "model.json", DisplayName = "nothing")]
    [DataRow("{\"format\":1} x", "model.json", DisplayName = "more behind the end")]
    public void What_is_no_description_is_refused(string json, string message)
        => StringAssert.Contains(Refused(json, Weights).Message, message, StringComparison.OrdinalIgnoreCase);

    [TestMethod]
    public void Deep_and_endless_json_is_refused()
    {
        Refused("""{"format":1,"future":""" + new string('[', 100_000), Weights);
        Refused(With("future", new string('[', 1000) + new string(']', 1000)), Weights);
        StringAssert.Contains(
            Refused(new string(' ', ModelArchive.MaximumDescriptionLength + 1), Weights, 5 * ModelArchive.MaximumDescriptionLength).Message,
            "more than");
    }

    [TestMethod]
    public void A_plan_of_twenty_thousand_wide_blocks_takes_no_memory_before_it_is_compared()
        => Refused(With("architecture.stages", """[{"width":4,"blocks":1,"stride":1},{"width":1048576,"blocks":19999,"stride":2}]"""),
            Weights, memoryLimit: 2 * 1024 * 1024);

    [TestMethod]
    public void Weights_that_do_not_fit_are_named()
    {
        StringAssert.Contains(Refused(Json, Bytes(Model.Weights.Skip(1))).Message, "1 missing: 'conv1.weight'");
        StringAssert.Contains(
            Refused(Json, Bytes([.. Model.Weights, new NamedTensor("extra\n", ElementType.Float32, [0], default)])).Message, "'extra?'");
        StringAssert.Contains(Refused(Json, Bytes(Changed("fc.bias", tensor => tensor with { Type = ElementType.Int32 }))).Message,
            "fc.bias: Int32[3]");
        StringAssert.Contains(Refused(Json, Bytes(Changed("fc.weight", tensor => tensor with { Shape = [16, 3] }))).Message,
            "expected Float32[3, 16]");
        StringAssert.Contains(Refused(Json, Weights[..^1]).Message, "weights.safetensors");
        StringAssert.Contains(Refused(Json, []).Message, "weights.safetensors");
    }

    [TestMethod]
    [DataRow("fc.weight", float.NaN, "not finite numbers")]
    [DataRow("bn1.bias", float.PositiveInfinity, "not finite numbers")]
    [DataRow("layer2.0.bn1.running_mean", float.NegativeInfinity, "not finite numbers")]
    [DataRow("bn1.running_var", -0.25f, "variance below zero")]
    public void Weights_that_no_training_leaves_are_refused(string name, float value, string message)
    {
        var weights = Bytes(Changed(name, tensor =>
        {
            var data = tensor.Data.ToArray();
            MemoryMarshal.AsBytes<float>(new[] { value }).CopyTo(data);
            return tensor with { Data = data };
        }));
        StringAssert.Contains(Refused(Json, weights).Message, message);
    }

    [TestMethod]
    public void Weights_with_one_flipped_bit_are_noticed_by_their_hash()
    {
        var (description, weights) = SavedModel.Entries(Model);
        weights[^5] ^= 1;

        StringAssert.Contains(Assert.ThrowsExactly<ModelFormatException>(() => SavedModel.Read(description, weights)).Message, "SHA-256");
    }

    [TestMethod]
    public void Thousands_of_flips_and_truncations_of_the_description_load_or_are_refused()
        => Attack(Encoding.UTF8.GetBytes(Json), 6000, bytes => Read(bytes, Weights), expectedToLoad: 0.02);

    [TestMethod]
    public void Thousands_of_flips_and_truncations_of_the_weights_load_or_are_refused()
    {
        Attack(Weights, 2000, bytes => Read(Encoding.UTF8.GetBytes(Json), bytes), expectedToLoad: 0.02);
        // most of them in the header
        Attack(Weights[..3000], 2000,
            bytes => Read(Encoding.UTF8.GetBytes(Json), [.. bytes, .. Weights.AsSpan(Math.Min(Weights.Length, bytes.Length))]),
            expectedToLoad: 0);
    }

    // Each case damages 1 to 4 places; every fourth case is cut short instead. What loads must score.
    private static void Attack(byte[] original, int cases, Func<byte[], TrainedResNet?> read, double expectedToLoad)
    {
        var random = new Random(1);
        var loaded = 0;
        for (var i = 0; i < cases; i++)
        {
            var bytes = original.ToArray();
            for (var damage = random.Next(1, 5); damage > 0; damage--)
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            if (i % 4 == 0)
                bytes = bytes[..random.Next(bytes.Length)];
            if (read(bytes) is { } model)
            {
                loaded++;
                if (loaded % 20 == 0)
                    Score(model);
            }
        }
        Assert.IsGreaterThanOrEqualTo((int)(expectedToLoad * cases), loaded);
    }

    private static void Score(TrainedResNet model)
    {
        using var scorer = new BatchScorer(model, EngineSelection.For(model, new ResNetNumerics()));
        scorer.Score(new byte[model.Shape.Size], 1, new float[model.Classes.Count]);
    }

    private static TrainedResNet? Read(string json, byte[] weights) => Read(Encoding.UTF8.GetBytes(json), weights);

    private static TrainedResNet? Read(byte[] description, byte[] weights)
    {
        try
        {
            return Measured(() => SavedModel.Read(description, weights).Model, MemoryLimit);
        }
        catch (ModelFormatException)
        {
            return null;
        }
    }

    private static ModelFormatException Refused(string json, byte[] weights, long memoryLimit = MemoryLimit)
        => Measured(() => Assert.ThrowsExactly<ModelFormatException>(() => SavedModel.Read(Encoding.UTF8.GetBytes(json), weights)),
            memoryLimit);

    private static T Measured<T>(Func<T> act, long memoryLimit)
    {
        var (before, clock) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.StartNew());
        try
        {
            return act();
        }
        finally
        {
            Assert.IsLessThan(memoryLimit, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.IsLessThan(TimeLimit, clock.Elapsed);
        }
    }

    private static string With(string path, string? value, string? json = null)
    {
        var root = JsonNode.Parse(json ?? Json)!.AsObject();
        var names = path.Split('.');
        var parent = names[..^1].Aggregate(root, (node, name) => node[name]!.AsObject());
        parent.Remove(names[^1]);
        if (value is null)
            return root.ToJsonString();
        parent[names[^1]] = "\u0001";
        // the value goes in as it is written, valid or not
        return root.ToJsonString().Replace("\"\\u0001\"", value, StringComparison.Ordinal);
    }

    private static IEnumerable<NamedTensor> Changed(string name, Func<NamedTensor, NamedTensor> change)
        => Model.Weights.Select(tensor => tensor.Name == name ? change(tensor) : tensor);

    private static byte[] Bytes(IEnumerable<NamedTensor> weights)
    {
        using var stream = new MemoryStream();
        Safetensors.Write(stream, weights);
        return stream.ToArray();
    }
}
