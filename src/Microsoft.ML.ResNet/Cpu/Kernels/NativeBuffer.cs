using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// A block of floats outside the managed heap, at a multiple of 64 bytes, for kernels that work with pointers. Grows, never shrinks.
/// </summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private const nuint Alignment = 64; // bytes: a cache line, and the widest vector

    /// <param name="length">Floats; unset ones.</param>
    public NativeBuffer(long length = 0) => EnsureLength(length);

    /// <summary>The first float; <see langword="null"/> while the length is 0.</summary>
    public float* Pointer { get; private set; }

    /// <summary>Floats.</summary>
    public long Length { get; private set; }

    /// <summary>Makes the block at least so long; what it held is lost when it grows.</summary>
    public void EnsureLength(long length)
    {
        if (length <= Length)
            return;
        Free();
        Pointer = (float*)NativeMemory.AlignedAlloc(checked((nuint)length * sizeof(float)), Alignment);
        Length = length;
    }

    /// <summary>Sets floats to 0, however many.</summary>
    public static void Clear(float* first, long length) => NativeMemory.Clear(first, (nuint)length * sizeof(float));

    /// <summary>Frees the block; the length is 0 afterwards.</summary>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
        Length = 0;
    }

    ~NativeBuffer() => Free();
}
