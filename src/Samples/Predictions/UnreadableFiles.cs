using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Samples.Predictions;

/// <summary>The image files that cannot be read, in the file of a shard: a line of JSON for each, with its name and the reason.</summary>
internal static class UnreadableFiles
{
    /// <summary>Writes them.</summary>
    public static void Write(Stream stream, JsonArray files)
    {
        foreach (var file in files)
            stream.Write(Encoding.UTF8.GetBytes($"{file!.ToJsonString()}\n"));
    }

    /// <summary>Reads what <see cref="Write"/> has written.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static IEnumerable<JsonObject> Read(Stream stream)
    {
        using var text = new StreamReader(stream);
        while (text.ReadLine() is { } line)
            yield return Parse(line) ?? throw new FormatException("Expected a file that cannot be read, found something else.");
    }

    private static JsonObject? Parse(string line)
    {
        try
        {
            return JsonNode.Parse(line) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
