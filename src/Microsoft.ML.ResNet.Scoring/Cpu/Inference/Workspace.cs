using Microsoft.ML.ResNet.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// The memory in which one batch flows through a network: all its feature maps, and what layers need while they compute. Serves one batch
/// at a time, and all threads that share it.
/// </summary>
internal sealed unsafe class Workspace : IDisposable
{
    private readonly NativeBuffer[] _maps;
    private readonly Stack<NativeBuffer> _scratch = new(); // as many as threads computed at once

    /// <param name="maps">The layouts, by index.</param>
    /// <param name="images">Images that it has room for; at least 1.</param>
    /// <exception cref="OutOfMemoryException">There is not so much memory; nothing is kept.</exception>
    public Workspace(IReadOnlyList<FeatureMap> maps, int images)
    {
        (_maps, Images) = (new NativeBuffer[maps.Count], images);
        try
        {
            for (var map = 0; map < maps.Count; map++)
                _maps[map] = new NativeBuffer(checked(maps[map].Layout.ImageStride * images), zeroed: true); // borders stay so
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Images that it has room for.</summary>
    public int Images { get; }

    /// <summary>The first image of a map; it stays where it is as long as this object can be reached.</summary>
    public float* this[FeatureMap map] => _maps[map.Index].Pointer;

    /// <summary>Lends memory for the time of a computation; give it back with <see cref="Return"/>. Thread-safe.</summary>
    /// <param name="length">Floats, at least; they hold anything.</param>
    public NativeBuffer Rent(long length)
    {
        NativeBuffer? scratch;
        lock (_scratch)
            _scratch.TryPop(out scratch);
        scratch ??= new NativeBuffer();
        scratch.EnsureLength(length);
        return scratch;
    }

    /// <summary>Takes lent memory back. Thread-safe.</summary>
    public void Return(NativeBuffer scratch)
    {
        lock (_scratch)
            _scratch.Push(scratch);
    }

    /// <summary>Frees everything.</summary>
    public void Dispose()
    {
        foreach (var buffer in _maps.Concat(_scratch))
            buffer?.Dispose();
    }
}
