using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.ResNet.Tests.Images;
using Microsoft.ML.ResNet.Tests.Interop.Onnx;
using Samples.Serving;

namespace Microsoft.ML.ResNet.Tests.Samples;

/// <summary>
/// Scores that are no numbers never reach what others read: not those of a picture that cannot be read, and not those of a network that
/// makes NaN of every picture. Each place that writes scores has a test.
/// </summary>
[TestClass]
public class NoNumbersTests
{
    private static readonly Lazy<string> Folder = new(() => ImageSamples.FolderOf(
        [.. Enumerable.Range(0, 6).Select(i => ($"{(i % 2 == 0 ? "red" : "green")}/{i}.png", ImageSamples.Plain((byte)(40 * i), 8, 8))),
            ("red/broken.png", [1, 2, 3])]));

    [TestMethod]
    [DataRow("csv")]
    [DataRow("json")]
    public void Predict_writes_no_scores_of_pictures_that_cannot_be_read(string format)
    {
        var run = SampleProgram.Run("predict", Save(broken: false), Folder.Value, "--format", format, "--json");

        Assert.AreEqual(0, run.ExitCode, run.Errors);
        AssertNoNaN(run.Output);
        Assert.AreEqual(6, (int)run.Json["images"]!);
        StringAssert.EndsWith((string?)run.Json["unreadable"]![0]!["image"], "broken.png");
    }

    [TestMethod]
    [DataRow("csv")]
    [DataRow("json")]
    public void Predict_writes_no_scores_of_a_network_that_makes_none(string format)
    {
        var run = SampleProgram.Run("predict", Save(broken: true), Folder.Value, "--format", format, "--json");

        Assert.AreEqual(1, run.ExitCode, run.Output);
        AssertNoNaN(run.Output);
        StringAssert.Contains(run.Errors, "makes NaN of the picture");
    }

    [TestMethod]
    [DataRow("evaluate")]
    [DataRow("report")]
    public void Evaluate_and_report_write_no_measures_of_a_network_that_makes_no_scores(string verb)
    {
        var output = Path.Combine(ImageSamples.NewFolder(), "report.html");
        string[] arguments = verb == "report" ? ["--output", output] : ["--unreadable", "skip"];

        var run = SampleProgram.Run([verb, "--model", Save(broken: true), "--data", Folder.Value, "--json", .. arguments]);

        Assert.AreEqual(1, run.ExitCode, run.Output);
        AssertNoNaN(run.Output);
        Assert.IsFalse(File.Exists(output));
        Assert.HasCount(1, run.ErrorLines);
    }

    [TestMethod]
    public void A_report_has_the_scores_of_what_can_be_read_and_no_others()
    {
        var output = Path.Combine(ImageSamples.NewFolder(), "report.html");

        var run = SampleProgram.Run("report", "--model", Save(broken: false), "--data", Folder.Value, "--output", output, "--json");

        Assert.AreEqual(0, run.ExitCode, run.Errors);
        AssertNoNaN(run.Output);
        var page = File.ReadAllText(output);
        var data = page[page.IndexOf("<script type=\"application/json\"", StringComparison.Ordinal)..];
        data = data[(data.IndexOf('>', StringComparison.Ordinal) + 1)..data.IndexOf("</script>", StringComparison.Ordinal)];
        using var parsed = JsonDocument.Parse(data);
        AssertNoNaN(data);
    }

    [TestMethod]
    public async Task The_service_answers_a_problem_where_there_are_no_scores()
    {
        var models = ServedModel.LoadAll([Save(broken: true)], new ServingLimits());
        await using var application = WebService.Create(models, "localhost", port: 0, new ServingLimits(), new ServingMetrics());
        await application.StartAsync();
        using var client = new HttpClient { BaseAddress = new(application.Urls.First()) };

        var picture = await File.ReadAllBytesAsync(Path.Combine(Folder.Value, "green", "5.png"));

        using var answer = await client.PostAsync("/predict?map=true", new ByteArrayContent(picture));

        Assert.AreEqual(HttpStatusCode.InternalServerError, answer.StatusCode);
        var problem = await answer.Content.ReadAsStringAsync();
        StringAssert.Contains((string?)JsonNode.Parse(problem)!["detail"], "makes NaN of the picture");
        Assert.IsFalse(problem.Contains("\"probability\"", StringComparison.Ordinal), problem);
        foreach (var model in models)
            model.Dispose();
    }

    // A number, or a text that stands for one; the word in a sentence is none.
    private static void AssertNoNaN(string text)
        => Assert.DoesNotMatchRegex(new System.Text.RegularExpressions.Regex("[:,\\[\"]\\s*\"?NaN\"?\\s*[,}\\]\\r\\n]"), text);

    private static string Save(bool broken)
    {
        var model = ExportedModel.Tiny();
        if (broken)
        {
            var huge = BitConverter.GetBytes(3e38f); // a model with NaN for a weight is not loaded; the sums of these overflow
            model = model with
            {
                Weights = [.. model.Weights.Select(tensor => tensor.Name == "fc.weight"
                    ? tensor with { Data = new byte[tensor.Data.Length].Select((_, i) => huge[i % 4]).ToArray() }
                    : tensor)],
            };
        }
        var path = Path.Combine(ImageSamples.NewFolder(), "model.zip");
        using var transformer = ExportedModel.Transformer(model);
        new MLContext(seed: 1).Model.SaveResNet(transformer, inputSchema: null, path);
        return path;
    }
}
