namespace Microsoft.ML.ResNet.Tensors;

/// <summary>How many bytes a shape takes, for shapes that may be nonsense.</summary>
internal static class TensorSize
{
    /// <summary>Elements times their size.</summary>
    /// <param name="type">What one element is.</param>
    /// <param name="shape">The size of each dimension; empty for a scalar.</param>
    /// <param name="count">The bytes; 0 when the answer is <see langword="false"/>.</param>
    /// <returns>Whether no dimension is negative and the bytes fit in one array, even without the dimensions that are 0.</returns>
    public static bool TryGetByteCount(ElementType type, IReadOnlyList<long> shape, out long count)
    {
        count = 0;
        var (bytes, empty) = ((Int128)type.Size(), false);
        foreach (var dimension in shape)
        {
            if (dimension < 0)
                return false;
            empty |= dimension == 0;
            bytes *= Math.Max(1, dimension); // at most 2^31 x 2^63: no overflow in 128 bits
            if (bytes > UntrustedBytes.MaximumCount)
                return false;
        }
        count = empty ? 0 : (long)bytes;
        return true;
    }

    /// <summary>Checks, before a tensor is written, that it is what it says.</summary>
    /// <exception cref="ArgumentException">The data is not as long as type and shape say.</exception>
    public static void Require(NamedTensor tensor)
    {
        if (!TryGetByteCount(tensor.Type, tensor.Shape, out var count) || count != tensor.Data.Length)
            throw new ArgumentException($"Expected the data of {tensor} to have as many bytes as its shape; got {tensor.Data.Length}.",
                nameof(tensor));
    }
}
