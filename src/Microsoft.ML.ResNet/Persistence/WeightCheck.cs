using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>Compares the weights of a file with what its architecture needs, before a network is built.</summary>
internal static class WeightCheck
{
    /// <summary>Checks names, types, shapes and values.</summary>
    /// <param name="found">The weights of the file.</param>
    /// <param name="expected">The state dictionary of the architecture.</param>
    /// <exception cref="ModelFormatException">Something differs, or a value is not a number.</exception>
    public static void Check(IReadOnlyList<NamedTensor> found,
        IEnumerable<StateEntry> expected)
    {
        var byName = found.ToDictionary(tensor => tensor.Name);
        foreach (var (name, type, shape, _) in expected)
        {
            if (!byName.Remove(name, out var tensor))
                throw new ModelFormatException($"The weights lack '{name}', which the architecture needs.");
            if (tensor.Type != type || !tensor.Shape.SequenceEqual(shape))
                throw new ModelFormatException($"The weights have {tensor}; the architecture needs {type}[{string.Join(", ", shape)}].");
            if (type == ElementType.Float32 && !tensor.IsFinite())
                throw new ModelFormatException($"The weights '{name}' contain values that are not finite numbers.");
            if (name.EndsWith(".running_var", StringComparison.Ordinal) && tensor.HasNegative())
                throw new ModelFormatException($"The weights '{name}' contain negative variances.");
        }
        if (byName.Count > 0)
            throw new ModelFormatException(
                $"The weights have {UntrustedText.Quote(byName.Keys.First())}, which the architecture does not know.");
    }
}
