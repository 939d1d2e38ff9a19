using System.Collections;
using System.Globalization;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>Compares the copies that <see cref="CellReader"/> makes.</summary>
internal static class CellComparison
{
    /// <summary>How far two <see cref="float"/> values may lie apart (absolute, exclusive).</summary>
    public const float FloatTolerance = 1e-6f;

    /// <summary>How far two <see cref="double"/> values may lie apart (absolute, exclusive).</summary>
    public const double DoubleTolerance = 1e-9;

    /// <summary>Whether two cells hold the same value; numbers with a fraction may differ by the tolerance.</summary>
    public static bool Same(object? left, object? right) => (left, right) switch
    {
        (float a, float b) => a.Equals(b) || Math.Abs(a - b) < FloatTolerance, // Equals: NaN and infinities have no difference
        (double a, double b) => a.Equals(b) || Math.Abs(a - b) < DoubleTolerance,
        (CellReader.Pixels a, CellReader.Pixels b) => a with { Bytes = b.Bytes } == b && a.Bytes.AsSpan().SequenceEqual(b.Bytes),
        (Array a, Array b) => SameItems(a, b),
        _ => Equals(left, right),
    };

    /// <summary>
    /// Fails unless the rows are the same: ids, and values where both rows were read. Columns that only one of them
    /// read are not compared.
    /// </summary>
    public static void AssertSame(RowCopy expected, RowCopy actual, DataViewSchema schema, string what)
    {
        Assert.AreEqual(expected.Id, actual.Id, $"{what}: id of the row");
        for (var column = 0; column < schema.Count; column++)
        {
            var (left, right) = (expected.Cells[column], actual.Cells[column]);
            if (left != RowReader.Unread && right != RowReader.Unread && !Same(left, right))
                Assert.Fail($"{what}: column '{schema[column].Name}' of row {expected.Id} differs: expected {Describe(left)}, got "
                    + $"{Describe(right)}.");
        }
    }

    /// <summary>Fails unless both lists have the same rows in the same order.</summary>
    public static void AssertSame(IReadOnlyList<RowCopy> expected, IReadOnlyList<RowCopy> actual, DataViewSchema schema, string what)
    {
        Assert.HasCount(expected.Count, actual, $"{what}: number of rows");
        for (var row = 0; row < expected.Count; row++)
            AssertSame(expected[row], actual[row], schema, what);
    }

    /// <summary>A value for a message: the first items of a vector, text in quotes.</summary>
    public static string Describe(object? value) => value switch
    {
        null => "nothing",
        string text => $"\"{text}\"",
        CellReader.Pixels image => $"image of {image.Width}x{image.Height} pixels",
        Array { Length: > 8 } items => $"[{First(items)}, ... {items.Length} items]",
        Array items => $"[{First(items)}]",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private static string First(Array items) => string.Join(", ", items.Cast<object?>().Take(8).Select(Describe));

    private static bool SameItems(IList left, IList right)
    {
        if (left.Count != right.Count)
            return false;
        for (var i = 0; i < left.Count; i++)
            if (!Same(left[i], right[i]))
                return false;
        return true;
    }
}
