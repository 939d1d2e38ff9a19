using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>The classes of a network as ML.NET's keys, and back.</summary>
internal static class ClassKeys
{
    private const string KeyValues = "KeyValues"; // ML.NET's name for the annotation that lists a key's values

    // ML.NET's types of values that a key can stand for, by the type of the values themselves.
    private static readonly Dictionary<Type, PrimitiveDataViewType> Types = new PrimitiveDataViewType[]
    {
        TextDataViewType.Instance, BooleanDataViewType.Instance, DateTimeDataViewType.Instance, DateTimeOffsetDataViewType.Instance,
        TimeSpanDataViewType.Instance, NumberDataViewType.Single, NumberDataViewType.Double, NumberDataViewType.SByte,
        NumberDataViewType.Int16, NumberDataViewType.Int32, NumberDataViewType.Int64, NumberDataViewType.Byte, NumberDataViewType.UInt16,
        NumberDataViewType.UInt32, NumberDataViewType.UInt64,
    }.ToDictionary(type => type.RawType);

    /// <summary>Reads the classes of a key column.</summary>
    /// <param name="label">A column of keys with a known count.</param>
    public static ClassLabels Of(DataViewSchema.Column label)
    {
        var count = checked((int)((KeyDataViewType)label.Type).Count);
        return label.Annotations.Schema.GetColumnOrNull(
            KeyValues)?.Type is VectorDataViewType { ItemType: PrimitiveDataViewType type } vector
            && vector.Size == count
                ? ClassLabels.Create(type.RawType, new FromAnnotation(label.Annotations))
                : new ClassLabels(count);
    }

    /// <summary>ML.NET's type of the values of classes; <see langword="null"/> where there are none.</summary>
    public static PrimitiveDataViewType? TypeOf(ClassLabels classes) => classes.ValueType is { } type ? Types[type] : null;

    /// <summary>Adds the values of classes to annotations, if there are any.</summary>
    /// <param name="classes">The classes.</param>
    /// <param name="builder">Receives them.</param>
    /// <param name="kind">The annotation's name.</param>
    public static void AddTo(DataViewSchema.Annotations.Builder builder, string kind, ClassLabels classes)
        => classes.TryShowTo(new AddsAnnotation(builder, kind));

    /// <summary>Adds the values of classes to data, as a column.</summary>
    /// <returns>Whether there are any.</returns>
    public static bool TryAddTo(ArrayDataViewBuilder data, string column, ClassLabels classes)
        => classes.TryShowTo(new AddsColumn(data, column));

    private sealed class FromAnnotation(DataViewSchema.Annotations annotations) : ClassLabels.IValueSource
    {
        public T[] Values<T>()
        {
            VBuffer<T> values = default;
            annotations.GetValue(KeyValues, ref values);
            return [.. values.DenseValues()];
        }
    }

    private sealed class AddsAnnotation(DataViewSchema.Annotations.Builder builder, string kind) : ClassLabels.IValueVisitor
    {
        public void Visit<T>(T[] values) => builder.Add(kind, new VectorDataViewType(Types[typeof(T)], values.Length),
            (ref VBuffer<T> buffer) => buffer = new VBuffer<T>(values.Length, [.. values]));
    }

    private sealed class AddsColumn(ArrayDataViewBuilder data, string column) : ClassLabels.IValueVisitor
    {
        public void Visit<T>(T[] values) => data.AddColumn(column, Types[typeof(T)], values);
    }
}
