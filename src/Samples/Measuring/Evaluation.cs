using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Microsoft.ML.ResNet;

namespace Samples.Measuring;

/// <summary>What <c>evaluate</c> finds out of all images, or of a part of them.</summary>
/// <param name="Architecture">The network's name.</param>
/// <param name="Parameters">How many parameters it has.</param>
/// <param name="Classes">The names of its classes.</param>
/// <param name="Unreadable">Images that cannot be read.</param>
/// <param name="Tally">What was counted.</param>
internal sealed partial record Evaluation(string Architecture, long Parameters, IReadOnlyList<string> Classes, long Unreadable, Tally Tally)
{
    private const long MostBytes = 1L << 30; // a thousand classes, each taken for every other, have 16 MB

    /// <summary>What is known before an image is scored.</summary>
    public static Evaluation Of(ResNetModelParameters network, long unreadable, Tally tally)
        => new(network.Architecture.Name, network.ParameterCount, network.ClassNames, unreadable, tally);

    /// <summary>
    /// The figures as JSON, with all digits, and nothing that differs from run to run: the same images give the same bytes.
    /// </summary>
    /// <param name="model">The SHA-256 of the model's file.</param>
    public string ToJson(string model)
    {
        var json = new JsonObject
        {
            ["modelSha256"] = model,
            ["architecture"] = Architecture,
            ["parameters"] = Parameters,
            ["unreadable"] = Unreadable,
        };
        new Measurement(Tally, null).AddTo(json);
        json["classes"] = new JsonArray([.. Classes.Zip(Tally.Counts).Index().Select(one => new JsonObject
        {
            ["class"] = one.Item.First,
            ["images"] = one.Item.Second.Sum(),
            ["recall"] = one.Item.Second.Sum() > 0 ? (double)one.Item.Second[one.Index] / one.Item.Second.Sum() : null,
        })]);
        json["confusionMatrix"] = new JsonArray([.. Tally.Counts.Select(row => new JsonArray([.. row.Select(count => (JsonNode)count)]))]);
        return json.ToJsonString();
    }

    /// <summary>Writes it so that <see cref="Read"/> can add it to others, without rounding anything.</summary>
    public void Write(Stream stream) => JsonSerializer.Serialize(stream,
        new SavedEvaluation(Architecture, Parameters, [.. Classes], Unreadable, Tally.Save()), EvaluationJson.Default.SavedEvaluation);

    /// <summary>Reads what <see cref="Write"/> has written.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static Evaluation Read(Stream stream)
    {
        if (stream.Length > MostBytes)
            throw new FormatException($"Expected counts of at most {MostBytes} bytes, found {stream.Length}.");
        try
        {
            var saved = JsonSerializer.Deserialize(stream, EvaluationJson.Default.SavedEvaluation)
                ?? throw new FormatException("Expected counts of images, found none.");
            return new(saved.Architecture, saved.Parameters, saved.Classes, saved.Unreadable, Tally.Of(saved.Tally, saved.Classes.Length));
        }
        catch (JsonException exception)
        {
            throw new FormatException($"Expected counts of images, found something else. {exception.Message}", exception);
        }
    }

    /// <summary>Takes over what was found out of another part of the images by the same model.</summary>
    public Evaluation With(Evaluation other)
    {
        Tally.Add(other.Tally);
        return this with { Unreadable = Unreadable + other.Unreadable };
    }

    private sealed record SavedEvaluation(string Architecture, long Parameters, string[] Classes, long Unreadable, SavedTally Tally);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true)]
    [JsonSerializable(typeof(SavedEvaluation))]
    private sealed partial class EvaluationJson : JsonSerializerContext;
}
