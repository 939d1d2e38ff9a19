using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// A block of floats outside the managed heap, at a multiple of 64 bytes, for kernels that work with pointers. Grows, never shrinks.
/// <see cref="Dispose"/> frees it, or the finaliser: a pointer is good as long as this object can be reached, so whoever computes with one
/// ends with <see cref="GC.KeepAlive"/> of what holds the buffer.
/// </summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private NativeAllocator _allocator = NativeAllocator.Current;

    /// <param name="length">Floats; at least 0.</param>
    /// <param name="zeroed">Whether they are 0 at first; otherwise they hold anything.</param>
    public NativeBuffer(long length = 0, bool zeroed = false)
    {
        EnsureLength(length);
        if (zeroed)
            Clear(Pointer, length);
    }

    /// <summary>The first float; <see langword="null"/> while the length is 0.</summary>
    public float* Pointer { get; private set; }

    /// <summary>Floats.</summary>
    public long Length { get; private set; }

    private long Bytes => Length * sizeof(float);

    /// <summary>Makes the block at least so long; what it held is lost when it grows.</summary>
    /// <exception cref="OutOfMemoryException">There is not so much memory; the length is 0 then.</exception>
    public void EnsureLength(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (length <= Length)
            return;
        Free();
        _allocator = NativeAllocator.Current;
        Pointer = (float*)_allocator.Allocate(checked((nuint)length * sizeof(float)));
        Length = length;
        GC.AddMemoryPressure(Bytes); // so that networks that nobody disposed are found in time
    }

    /// <summary>Sets floats to 0, however many.</summary>
    public static void Clear(float* first, long length) => NativeMemory.Clear(first, checked((nuint)length * sizeof(float)));

    /// <summary>Copies floats, however many, to where they do not overlap.</summary>
    public static void Copy(float* from, float* to, long length)
        => NativeMemory.Copy(from, to, checked((nuint)length * sizeof(float)));

    /// <summary>Frees the block; the length is 0 afterwards.</summary>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (Pointer is null)
            return;
        _allocator.Free(Pointer);
        GC.RemoveMemoryPressure(Bytes);
        Pointer = null;
        Length = 0;
    }

    ~NativeBuffer() => Free();
}
