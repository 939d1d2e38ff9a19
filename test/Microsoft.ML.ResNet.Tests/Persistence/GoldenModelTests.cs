using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Persistence;

/// <summary>A file of every format there ever was, kept for ever, with the scores that it gave when it was written.</summary>
[TestClass]
public class GoldenModelTests
{
    private const float Tolerance = 1e-5f; // other processors sum in another order
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    [TestMethod]
    [DataRow("format-1")]
    public void A_file_of_every_format_loads_and_scores_as_on_its_first_day(string name) => AssertScores(Path.Combine(Folder, name));

    [TestMethod]
    public void What_this_version_writes_passes_the_same_check()
    {
        // To keep a new format's file: RESNET_GOLDEN_MODELS=test/Microsoft.ML.ResNet.Tests/Golden/models dotnet test --filter
        // "FullyQualifiedName~GoldenModelTests"
        var folder = Environment.GetEnvironmentVariable("RESNET_GOLDEN_MODELS") ?? TestAssembly.TemporaryFolder;
        var path = Path.Combine(folder, $"format-{ModelDescription.CurrentFormat}");
        Write(path);
        AssertScores(path);
    }

    [TestMethod]
    public void Todays_writer_still_writes_every_member_and_weight_of_format_1()
    {
        var ml = new MLContext();
        var kept = Network(File.ReadAllBytes(Path.Combine(Folder, "format-1.zip")));
        using var rewritten = new MemoryStream();
        ml.Model.Save(ml.Model.Load(Path.Combine(Folder, "format-1.zip"), out var schema), schema, rewritten);
        var today = Network(rewritten.ToArray());

        Assert.IsTrue(kept.Weights.SequenceEqual(today.Weights), "the weights");
        AssertContains(today.Description, kept.Description, "$");
    }

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Golden", "models");

    private static void Write(string path)
    {
        var ml = new MLContext(seed: 1);
        var options = TinyImages.Options(epochs: 1);
        options.Architecture = SavedModel.Narrow;
        var train = TinyImages.View(ml, 96);
        var model = ml.Transforms.Conversion.MapValueToKey("Label").Append(ml.MulticlassClassification.Trainers.ResNet(options))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel")).Fit(train);
        ml.Model.Save(model, train.Schema, path + ".zip");

        var images = TinyImages.Rows(6, seed: 2).Select(row => new TinyImage { Features = row.Features, Label = row.Label }).ToList();
        var rows = Score(ml, model, images)
            .Zip(images, (scored, image) => new Row(Convert.ToBase64String(image.Features), scored.PredictedLabel, scored.Score));
        File.WriteAllText(path + ".json", JsonSerializer.Serialize(rows, Indented) + "\n");
    }

    private static void AssertScores(string path)
    {
        var ml = new MLContext();
        var model = ml.Model.LoadResNet(path + ".zip", out var schema);
        Assert.IsNotNull(schema?.GetColumnOrNull("Features"));
        var expected = JsonSerializer.Deserialize<Row[]>(File.ReadAllText(path + ".json"))!;

        var found = Score(ml, model, [.. expected.Select(row => new TinyImage { Features = Convert.FromBase64String(row.Pixels) })]);

        Assert.HasCount(expected.Length, found);
        foreach (var (one, other) in expected.Zip(found))
        {
            Assert.AreEqual(one.PredictedLabel, other.PredictedLabel);
            for (var i = 0; i < one.Score.Count; i++)
                Assert.AreEqual(one.Score[i], other.Score[i], Tolerance);
        }
        (model as IDisposable)?.Dispose();
    }

    private static List<Scored> Score(MLContext ml, ITransformer model, IReadOnlyList<TinyImage> images)
        => [.. ml.Data.CreateEnumerable<Scored>(model.Transform(ml.Data.LoadFromEnumerable(images)), reuseRowObject: false)];

    private static (JsonNode Description, byte[] Weights) Network(byte[] file)
    {
        var entries = SavedModel.Unzip(file);
        return (JsonNode.Parse(Entry(ModelArchive.DescriptionEntry))!, Entry(ModelArchive.WeightsEntry));

        byte[] Entry(string name) => entries.Single(entry => entry.Name.EndsWith("/" + name, StringComparison.Ordinal)).Bytes;
    }

    // Every member of the old description is in the new one, with the same value; the new one may have more.
    private static void AssertContains(JsonNode? today, JsonNode? kept, string place)
    {
        if (kept is JsonObject members)
            foreach (var (name, value) in members)
                AssertContains(today?[name], value, $"{place}.{name}");
        else if (kept is JsonArray items)
            foreach (var (item, index) in items.Select((item, index) => (item, index)))
                AssertContains(today?[index], item, $"{place}[{index}]");
        else
            Assert.IsTrue(JsonNode.DeepEquals(kept, today), $"{place}: expected {kept}, found {today}");
    }

    private sealed record Row(string Pixels, string PredictedLabel, IReadOnlyList<float> Score);

    private sealed class Scored
    {
        public string PredictedLabel { get; set; } = "";

        public float[] Score { get; set; } = [];
    }
}
