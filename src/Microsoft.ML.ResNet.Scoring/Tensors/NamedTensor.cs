namespace Microsoft.ML.ResNet.Tensors;

/// <summary>
/// A tensor outside the engine: a name, a shape and its values as raw little-endian bytes in row-major order. It is what model
/// files hold and what travels to and from PyTorch. Immutable by convention: nobody writes to <see cref="Data"/> once it is built.
/// </summary>
/// <param name="Name">The name in the state dictionary, such as <c>layer1.0.conv1.weight</c>.</param>
/// <param name="Type">What one element is.</param>
/// <param name="Shape">The size of each dimension; empty for a scalar.</param>
/// <param name="Data">The elements: <see cref="ElementCount"/> times the size of <paramref name="Type"/> bytes.</param>
internal sealed record NamedTensor(string Name, ElementType Type, IReadOnlyList<long> Shape, ReadOnlyMemory<byte> Data)
{
    /// <summary>The product of the dimensions; 1 for a scalar.</summary>
    public long ElementCount => Shape.Aggregate(1L, (product, dimension) => checked(product * dimension));

    /// <summary>The name, type and shape, as in <c>fc.weight: Float32[10, 64]</c>.</summary>
    public override string ToString() => $"{Name}: {Type}[{string.Join(", ", Shape)}]";
}
