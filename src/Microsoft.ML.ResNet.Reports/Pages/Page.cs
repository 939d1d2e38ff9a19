using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.Foundation;

namespace Microsoft.ML.ResNet.Reports.Pages;

/// <summary>
/// A page that needs nothing but itself: a template among the resources, whose slots <c>{{name}}</c> are filled. It opens from a mail's
/// attachment; its policy forbids it any request, and any script but its own.
/// </summary>
/// <remarks>
/// Slots: <c>{{title}}</c>, <c>{{policy}}</c>, <c>{{data}}</c> (JSON, in an element of type <c>application/json</c>), any resource of this
/// assembly (<c>{{page.css}}</c>, <c>{{page.js}}</c>), and what <see cref="Markup"/> names.
/// </remarks>
/// <param name="template">The name of the resource.</param>
/// <param name="title">The title, as text.</param>
internal sealed partial class Page(string template, string title)
{
    private const string Data = "{{data}}";

    /// <summary>Markup of our own making, such as plots, by the name of its slot. It must hold no text that is not escaped.</summary>
    public IReadOnlyDictionary<string, string> Markup { get; init; } = new Dictionary<string, string>();

    /// <summary>Bytes of the page without its data.</summary>
    public int Length
    {
        get
        {
            var (before, after) = Fill();
            return before.Length + after.Length;
        }
    }

    /// <summary>Writes the page; a file of before stays as it was until the new one is whole.</summary>
    /// <param name="path">The file.</param>
    /// <param name="data">What the page's script finds as <c>data</c>.</param>
    /// <param name="type">How it becomes JSON; by an encoder that escapes markup: no text can end the element that holds it.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file or its folder must not be written.</exception>
    public void Write<T>(string path, T data, JsonTypeInfo<T> type)
    {
        var (before, after) = Fill();
        SafeFile.Write(path, stream =>
        {
            stream.Write(before);
            JsonSerializer.Serialize(stream, data, type);
            stream.Write(after);
        });
    }

    private (byte[] Before, byte[] After) Fill()
    {
        var filled = Slot().Replace(Resource(template), slot => slot.Groups["name"].Value switch
        {
            "data" or "policy" => slot.Value,
            "title" => WebUtility.HtmlEncode(title).Replace("{", "&#123;", StringComparison.Ordinal), // no slot
            var name when Markup.TryGetValue(name, out var markup) => markup,
            var name => Resource(name),
        });
        filled = filled.Replace("{{policy}}", Policy(filled), StringComparison.Ordinal);
        return filled.Split(Data) is [var head, var tail]
            ? (Encoding.UTF8.GetBytes(head), Encoding.UTF8.GetBytes(tail))
            : throw new InvalidOperationException($"The template '{template}' must have one slot {Data}.");
    }

    private static string Policy(string page)
    {
        var scripts = Script().Matches(page)
            .Select(script => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script.Groups["text"].Value)))}'");
        return $"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {string.Join(' ', scripts)}; base-uri 'none'; "
            + "form-action 'none'";
    }

    private static string Resource(string name)
    {
        using var stream = typeof(Page).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The template has a slot '{{{{{name}}}}}', and there is no such resource.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n"); // as browsers read them, of which the policy has the checksum
    }

    [GeneratedRegex(@"\{\{(?<name>[\w.-]+)\}\}")]
    private static partial Regex Slot();

    [GeneratedRegex("<script>(?<text>.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex Script();
}
