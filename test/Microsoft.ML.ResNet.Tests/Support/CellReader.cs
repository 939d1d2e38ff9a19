using System.Reflection;
using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>
/// Reads one column of a row as a boxed copy that stays valid when the cursor moves on: text becomes <see cref="string"/>,
/// a vector a dense array, an image its <see cref="Pixels"/>.
/// </summary>
internal static class CellReader
{
    private static readonly MethodInfo OfScalar = Generic(nameof(Scalar)), OfVector = Generic(nameof(Vector)),
        OfAnnotation = Generic(nameof(AnnotationValue)), OfVectorAnnotation = Generic(nameof(VectorAnnotationValue));

    /// <summary>What an <see cref="MLImage"/> shows; images have no equality of their own.</summary>
    /// <param name="Width">Width in pixels.</param>
    /// <param name="Height">Height in pixels.</param>
    /// <param name="Bytes">Height x width x 3 bytes: blue, green, red.</param>
    internal sealed record Pixels(int Width, int Height, byte[] Bytes);

    /// <summary>A function that copies the value of <paramref name="column"/> in the row's current position.</summary>
    /// <exception cref="AssertFailedException">When called: a vector's length is not the length its type promises.</exception>
    public static Func<object?> Create(DataViewRow row, DataViewSchema.Column column) =>
        Close(OfScalar, OfVector, column.Type).CreateDelegate<Func<DataViewRow, DataViewSchema.Column, Func<object?>>>()(row, column);

    /// <summary>A copy of the annotation <paramref name="kind"/>, one of <c>annotations.Schema</c>'s columns.</summary>
    public static object? Annotation(DataViewSchema.Annotations annotations, DataViewSchema.Column kind) =>
        Close(OfAnnotation, OfVectorAnnotation,
            kind.Type).CreateDelegate<Func<DataViewSchema.Annotations, string, object?>>()(annotations, kind.Name);

    private static MethodInfo Generic(string name) => typeof(CellReader).GetMethod(name, BindingFlags.NonPublic | BindingFlags.Static)!;

    private static MethodInfo Close(MethodInfo scalar, MethodInfo vector, DataViewType type) => type is VectorDataViewType many
        ? vector.MakeGenericMethod(many.ItemType.RawType)
        : scalar.MakeGenericMethod(type.RawType);

    /// <remarks>
    /// The value is one variable for all rows, as a getter expects: it may recycle what it is given. An image left in it at the
    /// end is not disposed, because it belongs to the caller when the rows are objects in memory.
    /// </remarks>
    private static Func<object?> Scalar<T>(DataViewRow row, DataViewSchema.Column column)
    {
        var getter = row.GetGetter<T>(column);
        T value = default!;
        return () =>
        {
            getter(ref value);
            return Copy(value);
        };
    }

    private static Func<object?> Vector<T>(DataViewRow row, DataViewSchema.Column column)
    {
        var getter = row.GetGetter<VBuffer<T>>(column);
        var size = ((VectorDataViewType)column.Type).Size;
        VBuffer<T> value = default;
        return () =>
        {
            getter(ref value);
            if (size != 0 && value.Length != size)
                Assert.Fail($"Column '{column.Name}' is a {column.Type}, but the vector in row {row.Position} has length {value.Length}.");
            return Copy(in value);
        };
    }

    private static object? AnnotationValue<T>(DataViewSchema.Annotations annotations, string kind)
    {
        T value = default!;
        annotations.GetValue(kind, ref value);
        return Copy(value);
    }

    private static object VectorAnnotationValue<T>(DataViewSchema.Annotations annotations, string kind)
    {
        VBuffer<T> value = default;
        annotations.GetValue(kind, ref value);
        return Copy(in value);
    }

    private static object? Copy<T>(T value) => value switch
    {
        ReadOnlyMemory<char> text => text.ToString(),
        // not Pixels: in ML.NET 5.0.1 it throws MissingMethodException with SkiaSharp 3
        MLImage image => new Pixels(image.Width, image.Height, image.GetBGRPixels),
        _ => value,
    };

    private static object Copy<T>(in VBuffer<T> vector)
    {
        var values = vector.DenseValues();
        return typeof(T) == typeof(ReadOnlyMemory<char>) ? values.Select(value => (string)Copy(value)!).ToArray() : values.ToArray();
    }
}
