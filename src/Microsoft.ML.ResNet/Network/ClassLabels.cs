using System.Globalization;
using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Network;

/// <summary>The classes that a label column tells apart: how many, and the values that its keys stand for, if it has any.</summary>
/// <param name="count">How many classes there are.</param>
internal class ClassLabels(int count)
{
    private const string KeyValues = "KeyValues"; // ML.NET's name for the annotation that lists a key's values

    /// <summary>How many classes there are.</summary>
    public int Count => count;

    /// <summary>The type of the values; <see langword="null"/> where the keys stand for nothing but themselves.</summary>
    public virtual PrimitiveDataViewType? ValueType => null;

    /// <summary>
    /// The values, an array of <see cref="ValueType"/>'s raw type; <see langword="null"/> where there are none. Nobody writes to it.
    /// </summary>
    public virtual Array? ValueArray => null;

    /// <summary>One name for each class: its value as text, or, without values, its number from 0.</summary>
    public virtual IReadOnlyList<string> Names { get; } = [.. Enumerable.Range(0, count)
        .Select(index => index.ToString(CultureInfo.InvariantCulture))];

    /// <summary>Reads the classes of a key column.</summary>
    /// <param name="label">A column of keys with a known count.</param>
    public static ClassLabels Of(DataViewSchema.Column label)
    {
        var count = checked((int)((KeyDataViewType)label.Type).Count);
        return label.Annotations.Schema.GetColumnOrNull(
            KeyValues)?.Type is VectorDataViewType { ItemType: PrimitiveDataViewType type } vector && vector.Size == count
            ? Create(type, new FromAnnotation(label.Annotations))
            : new ClassLabels(count);
    }

    /// <summary>Makes classes whose values have the given type.</summary>
    /// <param name="type">One of ML.NET's primitive types.</param>
    /// <param name="source">Delivers the values.</param>
    /// <exception cref="NotSupportedException">The type is none of those that a key can stand for.</exception>
    public static ClassLabels Create(PrimitiveDataViewType type, IValueSource source) => type switch
    {
        TextDataViewType => new ClassLabels<ReadOnlyMemory<char>>(type, source.Values<ReadOnlyMemory<char>>()),
        BooleanDataViewType => new ClassLabels<bool>(type, source.Values<bool>()),
        DateTimeDataViewType => new ClassLabels<DateTime>(type, source.Values<DateTime>()),
        DateTimeOffsetDataViewType => new ClassLabels<DateTimeOffset>(type, source.Values<DateTimeOffset>()),
        TimeSpanDataViewType => new ClassLabels<TimeSpan>(type, source.Values<TimeSpan>()),
        _ when type == NumberDataViewType.Single => new ClassLabels<float>(type, source.Values<float>()),
        _ when type == NumberDataViewType.Double => new ClassLabels<double>(type, source.Values<double>()),
        _ when type == NumberDataViewType.SByte => new ClassLabels<sbyte>(type, source.Values<sbyte>()),
        _ when type == NumberDataViewType.Int16 => new ClassLabels<short>(type, source.Values<short>()),
        _ when type == NumberDataViewType.Int32 => new ClassLabels<int>(type, source.Values<int>()),
        _ when type == NumberDataViewType.Int64 => new ClassLabels<long>(type, source.Values<long>()),
        _ when type == NumberDataViewType.Byte => new ClassLabels<byte>(type, source.Values<byte>()),
        _ when type == NumberDataViewType.UInt16 => new ClassLabels<ushort>(type, source.Values<ushort>()),
        _ when type == NumberDataViewType.UInt32 => new ClassLabels<uint>(type, source.Values<uint>()),
        _ when type == NumberDataViewType.UInt64 => new ClassLabels<ulong>(type, source.Values<ulong>()),
        _ => throw new NotSupportedException(
            $"Labels whose key values are {type} are not supported. Map text, numbers or truth values to keys."),
    };

    /// <summary>Adds the values to annotations, if there are any.</summary>
    /// <param name="builder">Receives them.</param>
    /// <param name="kind">The annotation's name.</param>
    public virtual void AddValues(DataViewSchema.Annotations.Builder builder, string kind)
    {
    }

    /// <summary>Hands the values over, if there are any.</summary>
    /// <param name="sink">Receives them.</param>
    /// <returns>Whether there are any.</returns>
    public virtual bool TryGiveTo(IClassValueSink sink) => false;

    /// <summary>Delivers values of whatever type the classes turn out to have.</summary>
    internal interface IValueSource
    {
        /// <summary>The values, one for each class.</summary>
        T[] Values<T>();
    }

    private sealed class FromAnnotation(DataViewSchema.Annotations annotations) : IValueSource
    {
        public T[] Values<T>()
        {
            VBuffer<T> values = default;
            annotations.GetValue(KeyValues, ref values);
            return [.. values.DenseValues()];
        }
    }
}

/// <summary>Classes whose keys stand for values.</summary>
/// <param name="type">The type of the values.</param>
/// <param name="values">One for each class.</param>
internal sealed class ClassLabels<T>(PrimitiveDataViewType type, T[] values) : ClassLabels(values.Length)
{
    /// <inheritdoc/>
    public override PrimitiveDataViewType ValueType => type;

    /// <inheritdoc/>
    public override Array ValueArray => values;

    /// <summary>One for each class.</summary>
    public IReadOnlyList<T> Values => values;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Names { get; } =
        [.. values.Select(value => string.Create(CultureInfo.InvariantCulture, $"{value}"))];

    /// <inheritdoc/>
    public override bool TryGiveTo(IClassValueSink sink)
    {
        sink.Take(type, values);
        return true;
    }

    /// <inheritdoc/>
    public override void AddValues(DataViewSchema.Annotations.Builder builder, string kind)
        => builder.Add(kind, new VectorDataViewType(type, values.Length),
            (ref VBuffer<T> buffer) => buffer = new VBuffer<T>(values.Length, [.. values]));
}
