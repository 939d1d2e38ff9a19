using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>Compares schemas column by column, annotations and their values included.</summary>
internal static class SchemaComparison
{
    private const string SlotNames = "SlotNames", KeyValues = "KeyValues";

    /// <summary>Fails unless both schemas have the same columns in the same order, with the same types and annotations.</summary>
    public static void AssertSame(DataViewSchema expected, DataViewSchema actual, string what)
    {
        Assert.AreEqual(Names(expected), Names(actual), $"{what}: columns");
        foreach (var (left, right) in expected.Zip(actual))
        {
            var column = $"{what}: column '{left.Name}'";
            Assert.AreEqual(left.Type, right.Type, $"{column}: type");
            Assert.AreEqual(left.IsHidden, right.IsHidden, $"{column}: hidden");
            Assert.AreEqual(expected[left.Name].Index, actual[left.Name].Index, $"{column}: index that the name leads to");
            AssertSame(left.Annotations, right.Annotations, column);
            AssertWellFormed(right, column);
        }
    }

    /// <summary>
    /// Fails unless an estimator's promise and its transformer's delivery are compatible both ways: neither may have a column
    /// or annotation that the other lacks. Order and hidden columns do not count.
    /// </summary>
    public static void AssertKept(SchemaShape promised, DataViewSchema delivered, string what)
    {
        var shape = SchemaShape.Create(delivered);
        Assert.AreEqual(Names(promised), Names(shape), $"{what}: promised and delivered columns");
        foreach (var (promise, delivery) in promised.OrderBy(column => column.Name).Zip(shape.OrderBy(column => column.Name)))
            if (!promise.IsCompatibleWith(delivery) || !delivery.IsCompatibleWith(promise))
                Assert.Fail($"{what}: column '{promise.Name}' was promised as {Describe(promise)} and delivered as {Describe(delivery)}.");
    }

    /// <summary>
    /// What a model file keeps of its input schema: all columns but images, which ML.NET's binary format cannot describe.
    /// </summary>
    public static DataViewSchema WithoutImages(DataViewSchema schema)
    {
        var builder = new DataViewSchema.Builder();
        foreach (var column in schema.Where(column => column.Type is not ImageDataViewType))
            builder.AddColumn(column.Name, column.Type, column.Annotations);
        return builder.ToSchema();
    }

    private static void AssertSame(DataViewSchema.Annotations expected, DataViewSchema.Annotations actual, string column)
    {
        var (left, right) = (expected.Schema.OrderBy(kind => kind.Name).ToArray(), actual.Schema.OrderBy(kind => kind.Name).ToArray());
        Assert.AreEqual(Names(left), Names(right), $"{column}: annotations");
        foreach (var (a, b) in left.Zip(right))
        {
            Assert.AreEqual(a.Type, b.Type, $"{column}: type of annotation {a.Name}");
            var (x, y) = (CellReader.Annotation(expected, a), CellReader.Annotation(actual, b));
            if (!CellComparison.Same(x, y))
                Assert.Fail($"{column}: annotation {a.Name} differs: "
                    + $"expected {CellComparison.Describe(x)}, got {CellComparison.Describe(y)}.");
        }
    }

    /// <summary>Slot names are one text per slot, key values one value per key.</summary>
    private static void AssertWellFormed(DataViewSchema.Column column, string what)
    {
        var annotations = column.Annotations.Schema;
        if (annotations.GetColumnOrNull(SlotNames) is { } slots)
        {
            Assert.IsInstanceOfType<TextDataViewType>((slots.Type as VectorDataViewType)?.ItemType, $"{what}: item type of {SlotNames}");
            var size = ((VectorDataViewType)slots.Type).Size;
            Assert.AreEqual((column.Type as VectorDataViewType)?.Size, size, $"{what}: number of {SlotNames}");
        }
        if (annotations.GetColumnOrNull(KeyValues) is { } keys)
        {
            var item = (column.Type as VectorDataViewType)?.ItemType ?? column.Type;
            var size = (ulong?)(keys.Type as VectorDataViewType)?.Size;
            Assert.AreEqual((item as KeyDataViewType)?.Count, size, $"{what}: number of {KeyValues}");
        }
    }

    private static string Names(IEnumerable<DataViewSchema.Column> columns) => string.Join(", ", columns.Select(column => column.Name));

    private static string Names(SchemaShape shape) => string.Join(", ", shape.Select(column => column.Name).Order());

    private static string Describe(SchemaShape.Column column) => column.Annotations.Count == 0
        ? column.GetTypeString()
        : $"{column.GetTypeString()} with "
            + string.Join(", ", column.Annotations.OrderBy(kind => kind.Name).Select(kind => $"{kind.Name} {kind.GetTypeString()}"));
}
