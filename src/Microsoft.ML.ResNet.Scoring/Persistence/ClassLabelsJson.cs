using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>Class labels as JSON and back: the type's name in ML.NET, and an array of values.</summary>
internal static class ClassLabelsJson
{
    // The names that ML.NET gives to its types of values.
    private static readonly Dictionary<string, Type> Types = new()
    {
        ["String"] = typeof(ReadOnlyMemory<char>),
        ["Boolean"] = typeof(bool),
        ["DateTime"] = typeof(DateTime),
        ["DateTimeOffset"] = typeof(DateTimeOffset),
        ["TimeSpan"] = typeof(TimeSpan),
        ["Single"] = typeof(float),
        ["Double"] = typeof(double),
        ["SByte"] = typeof(sbyte),
        ["Int16"] = typeof(short),
        ["Int32"] = typeof(int),
        ["Int64"] = typeof(long),
        ["Byte"] = typeof(byte),
        ["UInt16"] = typeof(ushort),
        ["UInt32"] = typeof(uint),
        ["UInt64"] = typeof(ulong),
    };

    // JSON has no word for NaN or infinity, which a key value of a damaged data set may be.
    private static readonly ClassValuesJson Json = new(new JsonSerializerOptions
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals
    });

    /// <summary>Describes classes.</summary>
    public static ModelDescription.ClassDescription Write(ClassLabels labels)
        => labels.ValueType is { } type
            ? new(labels.Count, Types.Single(pair => pair.Value == type).Key, Values(labels))
            : new(labels.Count);

    /// <summary>Reads a description of classes.</summary>
    /// <exception cref="ModelFormatException">The description contradicts itself.</exception>
    public static ClassLabels Read(ModelDescription.ClassDescription description)
    {
        if (description.Count is < 2 or > ModelLimits.Classes)
            throw new ModelFormatException($"model.json has {description.Count} classes; expected 2 to {ModelLimits.Classes}.");
        if (description.Type is null)
            return new ClassLabels(description.Count);
        if (!Types.TryGetValue(description.Type, out var type))
            throw new ModelFormatException(
                $"model.json has classes of type {UntrustedText.Quote(description.Type)}; expected one of "
                + $"{string.Join(", ", Types.Keys)}.");
        if (description.Values is not { ValueKind: JsonValueKind.Array } values || values.GetArrayLength() != description.Count)
            throw new ModelFormatException($"model.json lists no array of {description.Count} class values.");
        return ClassLabels.Create(type, new FromJson(values));
    }

    private static JsonElement Values(ClassLabels labels) => labels switch
    {
        ClassLabels<ReadOnlyMemory<char>> text => JsonSerializer.SerializeToElement(text.Names, Json.IReadOnlyListString),
        // one by one: an array of bytes would become base64
        _ => JsonSerializer.SerializeToElement(labels.ValueArray!.Cast<object>(), Json.IEnumerableObject),
    };

    private sealed class FromJson(JsonElement values) : ClassLabels.IValueSource
    {
        public T[] Values<T>()
        {
            try
            {
                if (typeof(T) == typeof(ReadOnlyMemory<char>))
                    return (T[])(object)values.EnumerateArray().Select(Text).ToArray();
                return [.. values.Deserialize((JsonTypeInfo<List<T>>)Json.GetTypeInfo(typeof(List<T>))!)!];
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                throw new ModelFormatException($"model.json lists class values that are not of type {typeof(T).Name}: {e.Message}", e);
            }
        }

        private static ReadOnlyMemory<char> Text(JsonElement value)
            => value.GetString()?.AsMemory() ?? throw new JsonException("null is not text.");
    }
}

/// <summary>How values of classes are read and written; generated, so that nothing is looked up by reflection.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(IEnumerable<object>))]
[JsonSerializable(typeof(List<bool>))]
[JsonSerializable(typeof(List<DateTime>))]
[JsonSerializable(typeof(List<DateTimeOffset>))]
[JsonSerializable(typeof(List<TimeSpan>))]
[JsonSerializable(typeof(List<float>))]
[JsonSerializable(typeof(List<double>))]
[JsonSerializable(typeof(List<sbyte>))]
[JsonSerializable(typeof(List<short>))]
[JsonSerializable(typeof(List<int>))]
[JsonSerializable(typeof(List<long>))]
[JsonSerializable(typeof(List<byte>))]
[JsonSerializable(typeof(List<ushort>))]
[JsonSerializable(typeof(List<uint>))]
[JsonSerializable(typeof(List<ulong>))]
internal sealed partial class ClassValuesJson : JsonSerializerContext;
