using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Reports.Sampling;

/// <summary>Reads the names of classes, be they text or keys.</summary>
internal static class LabelNames
{
    /// <summary>Opens a column of labels.</summary>
    /// <param name="row">A cursor in which the column is active.</param>
    /// <param name="label">The column.</param>
    /// <returns>Reads the current row's class; a missing one is empty, and a key without a name is its number.</returns>
    /// <exception cref="ArgumentException">The column is neither text nor a key.</exception>
    public static Func<string> Open(DataViewRow row, DataViewSchema.Column label)
    {
        if (label.Type is TextDataViewType)
        {
            var getText = row.GetGetter<ReadOnlyMemory<char>>(label);
            ReadOnlyMemory<char> text = default;
            return () =>
            {
                getText(ref text);
                return text.ToString();
            };
        }
        if (label.Type is not KeyDataViewType { RawType: var raw } || raw != typeof(uint))
            throw new ArgumentException($"The label column '{label.Name}' is {label.Type}; expected the names of classes, as text or as "
                + "keys.");
        var names = KeyNames(label);
        var getKey = row.GetGetter<uint>(label);
        uint key = 0;
        return () =>
        {
            getKey(ref key);
            return key == 0 ? "" : names is null ? $"{key - 1}" : names[(int)key - 1];
        };
    }

    private static string[]? KeyNames(DataViewSchema.Column label)
    {
        if (label.Annotations.Schema.GetColumnOrNull("KeyValues") is not { Type: VectorDataViewType { ItemType: TextDataViewType } })
            return null;
        VBuffer<ReadOnlyMemory<char>> names = default;
        label.GetKeyValues(ref names);
        return [.. names.DenseValues().Select(name => name.ToString())];
    }
}
