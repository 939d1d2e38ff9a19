using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Data;

/// <summary>
/// Collects what frozen layers make of images, in any order, and makes a <see cref="PixelStore"/> of it: in memory as far as the budget
/// goes, and else in a temporary file.
/// </summary>
internal sealed class FeatureRows : IDisposable
{
    private Tensor? _memory;
    private PixelFile? _file;

    /// <param name="count">How many images there are.</param>
    /// <param name="sizes">What there is of each: height, width, channels; or the pooled features alone.</param>
    /// <param name="memory">How much memory they may take.</param>
    /// <exception cref="IOException">They need more, and no file can hold them.</exception>
    public FeatureRows(int count, IReadOnlyList<long> sizes, ImageMemory memory)
    {
        Row = new StoredRow(sizes, ScalarType.Float32);
        if (memory.Holds(count, Row))
            _memory = Row.Empty(count).DetachFromDisposeScope();
        else
            _file = PixelFile.Create(memory.Folder, Row, (long)count * Row.Bytes);
    }

    /// <summary>What is kept of an image.</summary>
    public StoredRow Row { get; }

    /// <summary>Whether they are kept in memory; else in a file.</summary>
    public bool IsInMemory => _file is null;

    /// <summary>Keeps what was made of some images.</summary>
    /// <param name="rows">Which.</param>
    /// <param name="features">float32, (n, sizes), contiguous, on the CPU; it stays the caller's.</param>
    /// <exception cref="IOException">The disk is full, or cannot be written to.</exception>
    public void Write(ArraySegment<long> rows, Tensor features)
    {
        for (var index = 0; index < rows.Count; index++)
        {
            using var row = features.narrow(0, index, 1);
            if (_file is not null)
            {
                _file.Write(rows[index], row.bytes);
                continue;
            }
            using var target = _memory!.narrow(0, rows[index], 1);
            row.bytes.CopyTo(target.bytes);
        }
    }

    /// <summary>Makes the store, when every row is there; nothing can be written afterwards.</summary>
    /// <param name="images">The images: labels and weights are theirs.</param>
    public PixelStore Build(PixelStore images)
    {
        using var scope = NewDisposeScope();
        var (labels, weights) = (images.Labels.cpu().alias(), images.Weights?.cpu().alias());
        PixelStore store = _file is null
            ? new MemoryPixelStore(_memory!, labels, weights)
            : new FilePixelStore(_file, labels, weights);
        (_memory, _file) = (null, null);
        return store;
    }

    /// <summary>Frees what was not built.</summary>
    public void Dispose()
    {
        _memory?.Dispose();
        _file?.Dispose();
    }
}
