using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>Class labels as JSON and back: the type's name in ML.NET, and an array of values.</summary>
internal static class ClassLabelsJson
{
    private const int MaximumClasses = 100_000; // the largest public image set has 21,841

    private static readonly Dictionary<string, PrimitiveDataViewType> Types = new PrimitiveDataViewType[]
    {
        TextDataViewType.Instance, BooleanDataViewType.Instance, DateTimeDataViewType.Instance, DateTimeOffsetDataViewType.Instance,
            TimeSpanDataViewType.Instance,
        NumberDataViewType.Single, NumberDataViewType.Double,
        NumberDataViewType.SByte, NumberDataViewType.Int16, NumberDataViewType.Int32, NumberDataViewType.Int64,
        NumberDataViewType.Byte, NumberDataViewType.UInt16, NumberDataViewType.UInt32, NumberDataViewType.UInt64,
    }.ToDictionary(type => type.ToString()!);

    // JSON has no word for NaN or infinity, which a key value of a damaged data set may be.
    private static readonly JsonSerializerOptions Json = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>Describes classes.</summary>
    public static ModelDescription.ClassDescription Write(ClassLabels labels)
        => new(labels.Count, labels.ValueType?.ToString(), labels.ValueType is null ? null : Values(labels));

    /// <summary>Reads a description of classes.</summary>
    /// <exception cref="ModelFormatException">The description contradicts itself.</exception>
    public static ClassLabels Read(ModelDescription.ClassDescription description)
    {
        if (description.Count is < 2 or > MaximumClasses)
            throw new ModelFormatException($"model.json has {description.Count} classes; expected 2 to {MaximumClasses}.");
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
        ClassLabels<ReadOnlyMemory<char>> text => JsonSerializer.SerializeToElement(text.Names),
        // one by one: an array of bytes would become base64
        _ => JsonSerializer.SerializeToElement(labels.ValueArray!.Cast<object>(), Json),
    };

    private sealed class FromJson(JsonElement values) : ClassLabels.IValueSource
    {
        public T[] Values<T>()
        {
            try
            {
                if (typeof(T) == typeof(ReadOnlyMemory<char>))
                    return (T[])(object)values.EnumerateArray().Select(Text).ToArray();
                return [.. values.Deserialize<List<T>>(Json)!];
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
