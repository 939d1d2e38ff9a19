using System.Buffers;
using System.Text.Json;

namespace Microsoft.ML.ResNet.Tensors;

/// <summary>Where one tensor lies in a safetensors file.</summary>
/// <param name="Name">Its key in the header.</param>
/// <param name="Type">What one element is.</param>
/// <param name="Shape">The size of each dimension.</param>
/// <param name="Begin">Its first byte, counted from the end of the header.</param>
/// <param name="End">The byte after its last.</param>
internal sealed record SafetensorsEntry(string Name, ElementType Type, long[] Shape, long Begin, long End)
{
    /// <summary>The size of its data, in bytes.</summary>
    public long Length => End - Begin;
}

/// <summary>
/// The header of a safetensors file: a JSON object with one member for each tensor, <c>"name": {"dtype": "F32", "shape": [10, 64],
/// "data_offsets": [begin, end]}</c>, and optionally <c>"__metadata__": {"key": "text"}</c>; padded with spaces to a multiple of 8 bytes.
/// </summary>
internal static class SafetensorsHeader
{
    private const string Metadata = "__metadata__";
    private const int Alignment = 8;
    private const int MaximumRank = 64;

    private static readonly Dictionary<string, ElementType> Types = new(StringComparer.Ordinal)
    {
        ["BOOL"] = ElementType.Bool,
        ["U8"] = ElementType.UInt8,
        ["I8"] = ElementType.Int8,
        ["I16"] = ElementType.Int16,
        ["I32"] = ElementType.Int32,
        ["I64"] = ElementType.Int64,
        ["F16"] = ElementType.Float16,
        ["BF16"] = ElementType.BFloat16,
        ["F32"] = ElementType.Float32,
        ["F64"] = ElementType.Float64,
    };

    private static readonly Dictionary<ElementType, string> TypeNames = Types.ToDictionary(pair => pair.Value, pair => pair.Key);

    /// <summary>Reads a header and checks all that can be checked without the data.</summary>
    /// <param name="utf8">The header, padding included.</param>
    /// <param name="metadata">The attached texts.</param>
    /// <returns>The tensors in the order of their data: the first begins at 0, each other one where the one before it ends.</returns>
    /// <exception cref="WeightsFormatException">The header is not such a JSON object, or tensors overlap or leave a gap.</exception>
    public static IReadOnlyList<SafetensorsEntry> Parse(ReadOnlyMemory<byte> utf8, out IReadOnlyDictionary<string, string> metadata)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 8 });
            var root = document.RootElement;
            RequireKind(root, JsonValueKind.Object, "the header");
            metadata = ParseMetadata(root);
            return InDataOrder(root.EnumerateObject().Where(member => member.Name != Metadata).Select(ParseEntry));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException) // the latter: text that is not Unicode
        {
            throw Safetensors.Error("the header",
                $"expected a JSON object in UTF-8 without duplicate names; {exception.Message.TrimEnd('.')}", exception);
        }
    }

    /// <summary>Writes the header for tensors that follow in the given order.</summary>
    /// <exception cref="ArgumentException">See <see cref="Safetensors.Write"/>.</exception>
    public static byte[] Format(IReadOnlyList<NamedTensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
                WriteMetadata(json, metadata);
            WriteEntries(json, tensors);
            json.WriteEndObject();
        }
        var header = new byte[(buffer.WrittenCount + Alignment - 1) / Alignment * Alignment];
        header.AsSpan().Fill((byte)' ');
        buffer.WrittenSpan.CopyTo(header);
        return header;
    }

    private static Dictionary<string, string> ParseMetadata(JsonElement root)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!root.TryGetProperty(Metadata, out var element))
            return texts;
        RequireKind(element, JsonValueKind.Object, Metadata);
        foreach (var member in element.EnumerateObject())
        {
            RequireKind(member.Value, JsonValueKind.String, Metadata);
            texts.Add(member.Name, member.Value.GetString()!);
        }
        return texts;
    }

    private static SafetensorsEntry ParseEntry(JsonProperty member)
    {
        var name = member.Name;
        var typeName = Member(member, "dtype", JsonValueKind.String).GetString()!;
        if (!Types.TryGetValue(typeName, out var type))
            throw Error(name, $"expected one of the element types {string.Join(", ", Types.Keys)}; found {UntrustedText.Quote(typeName)}");
        var shape = Numbers(name, Member(member, "shape", JsonValueKind.Array));
        if (shape.Length > MaximumRank)
            throw Error(name, $"expected at most {MaximumRank} dimensions, found {shape.Length}");
        if (Numbers(name, Member(member, "data_offsets", JsonValueKind.Array)) is not [var begin, var end] || end < begin)
            throw Error(name, $"expected data_offsets [begin, end] with begin at most end, found {Excerpt(member.Value)}");
        if (!TensorSize.TryGetByteCount(type, shape, out var count) || count != end - begin)
            throw Error(name, $"expected {typeName}[{string.Join(", ", shape)}] to have at most {UntrustedBytes.MaximumCount} bytes "
                + $"and to fill its data_offsets, found {end - begin} bytes");
        return new SafetensorsEntry(name, type, shape, begin, end);
    }

    private static JsonElement Member(JsonProperty tensor, string name, JsonValueKind kind) =>
        tensor.Value.ValueKind == JsonValueKind.Object && tensor.Value.TryGetProperty(name, out var element) && element.ValueKind == kind
            ? element
            : throw Error(tensor.Name, $"expected an object with a member '{name}' that is of kind {kind}, found {Excerpt(tensor.Value)}");

    private static long[] Numbers(string name, JsonElement array)
    {
        var numbers = new long[array.GetArrayLength()];
        var count = 0;
        foreach (var element in array.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt64(out numbers[count]) || numbers[count++] < 0)
                throw Error(name, $"expected a whole number of 0 or more, found {Excerpt(element)}");
        }
        return numbers;
    }

    private static WeightsFormatException Error(string name, string problem)
        => Safetensors.Error($"tensor {UntrustedText.Quote(name)}", problem);

    private static void RequireKind(JsonElement element, JsonValueKind kind, string place)
    {
        if (element.ValueKind != kind)
            throw Safetensors.Error(place, $"expected {kind}, found {Excerpt(element)}");
    }

    private static string Excerpt(JsonElement element) => UntrustedText.Quote(element.GetRawText());

    private static List<SafetensorsEntry> InDataOrder(IEnumerable<SafetensorsEntry> entries)
    {
        // stable: empty tensors keep the header's order
        var ordered = entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End).ToList();
        var position = 0L;
        foreach (var entry in ordered)
        {
            if (entry.Begin != position)
                throw Error(entry.Name, $"expected its data to begin at {position}, where the tensor before it ends; found {entry.Begin}");
            position = entry.End;
        }
        return ordered;
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string> metadata)
    {
        json.WriteStartObject(Metadata);
        foreach (var (key, text) in metadata)
            json.WriteString(key, text);
        json.WriteEndObject();
    }

    private static void WriteEntries(Utf8JsonWriter json, IReadOnlyList<NamedTensor> tensors)
    {
        var position = 0L;
        var names = new HashSet<string>(StringComparer.Ordinal) { Metadata };
        foreach (var tensor in tensors)
        {
            if (!names.Add(tensor.Name))
                throw new ArgumentException($"Expected distinct tensor names other than {Metadata}; got '{tensor.Name}' again.",
                    nameof(tensors));
            TensorSize.Require(tensor);
            json.WriteStartObject(tensor.Name);
            json.WriteString("dtype", TypeNames[tensor.Type]);
            WriteNumbers(json, "shape", tensor.Shape);
            WriteNumbers(json, "data_offsets", [position, position += tensor.Data.Length]);
            json.WriteEndObject();
        }
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IEnumerable<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (var number in numbers)
            json.WriteNumberValue(number);
        json.WriteEndArray();
    }
}
