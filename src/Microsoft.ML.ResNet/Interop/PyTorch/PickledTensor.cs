using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>A storage: the elements that one or several tensors of a file look at.</summary>
/// <param name="Key">Its name within the file.</param>
/// <param name="Type">What one element is.</param>
/// <param name="Count">Elements; with their size at most <see cref="UntrustedBytes.MaximumCount"/> bytes.</param>
internal sealed record PickledStorage(string Key, ElementType Type, long Count)
{
    /// <summary>Its size, in bytes.</summary>
    public long Length => Count * Type.Size();
}

/// <summary>A tensor as PyTorch pickles it: a strided look at a storage. Checked to stay inside it.</summary>
/// <param name="Storage">Where the elements are.</param>
/// <param name="Offset">The element of the storage that comes first.</param>
/// <param name="Shape">The size of each dimension.</param>
/// <param name="Strides">How far apart neighbours along each dimension are, in elements; 0 or more.</param>
internal sealed record PickledTensor(PickledStorage Storage, long Offset, long[] Shape, long[] Strides)
{
    /// <summary>Whether the elements lie in row-major order without gaps, so that no copy is needed.</summary>
    public bool IsContiguous
    {
        get
        {
            var stride = 1L;
            for (var i = Shape.Length - 1; i >= 0; i--)
            {
                if (Shape[i] != 1 && Strides[i] != stride)
                    return Shape.Contains(0);
                stride *= Shape[i];
            }
            return true;
        }
    }

    /// <summary>The size of the elements, in bytes.</summary>
    public int Length => TensorSize.TryGetByteCount(Storage.Type, Shape, out var count)
        ? (int)count
        : throw new InvalidOperationException("The shape was not checked.");

    /// <summary>The elements in row-major order: a part of the storage where that is possible, a copy elsewhere.</summary>
    /// <param name="storage">The storage's bytes.</param>
    public ReadOnlyMemory<byte> Read(byte[] storage)
    {
        if (Length == 0)
            return ReadOnlyMemory<byte>.Empty;
        var size = Storage.Type.Size();
        if (IsContiguous)
            return storage.AsMemory((int)(Offset * size), Length);
        var copy = new byte[Length];
        var written = 0;
        Copy(storage, 0, Offset, copy, ref written);
        return copy;
    }

    private void Copy(byte[] storage, int dimension, long element, byte[] target, ref int written)
    {
        if (dimension == Shape.Length)
        {
            var size = Storage.Type.Size();
            storage.AsSpan((int)(element * size), size).CopyTo(target.AsSpan(written));
            written += size;
            return;
        }
        for (var i = 0L; i < Shape[dimension]; i++)
            Copy(storage, dimension + 1, element + i * Strides[dimension], target, ref written);
    }
}
