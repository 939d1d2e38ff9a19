using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Foundation;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// Where <see cref="NativeBuffer"/> gets its memory. Tests put others in this one's place: memory between pages that nobody may touch, and
/// memory that runs out.
/// </summary>
internal unsafe class NativeAllocator
{
    /// <summary>
    /// Bytes whose multiple every address is: a cache line, and the widest vector. A vector across two lines costs two loads.
    /// </summary>
    public const nuint Alignment = 64;

    /// <summary>What new buffers use: the C library's heap.</summary>
    public static NativeAllocator Current { get; set; } = new();

    /// <summary>Gives memory that holds anything.</summary>
    /// <param name="bytes">How many bytes; at least 1.</param>
    /// <exception cref="OutOfMemoryException">There is not so much.</exception>
    public virtual void* Allocate(nuint bytes)
    {
        if (bytes < LargePages.Size)
            return NativeMemory.AlignedAlloc(bytes, Alignment);
        var memory = NativeMemory.AlignedAlloc(bytes, LargePages.Size);
        LargePages.Advise(memory, bytes);
        return memory;
    }

    /// <summary>Takes memory back.</summary>
    /// <param name="memory">What <see cref="Allocate"/> gave.</param>
    public virtual void Free(void* memory) => NativeMemory.AlignedFree(memory);
}
