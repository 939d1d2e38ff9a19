using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// Numbers at an address that never moves and is a multiple of 64, the size of a cache line and of the widest vector: a vector that crosses
/// two lines costs two loads. The garbage collector frees them, so the pointer is good as long as this object can be reached.
/// </summary>
internal sealed unsafe class AlignedFloats
{
    private const int Alignment = 64;

    private readonly float[] _memory;

    /// <param name="length">How many; all are zero at first.</param>
    public AlignedFloats(int length)
    {
        _memory = GC.AllocateArray<float>(length + Alignment / sizeof(float), pinned: true);
        var address = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_memory));
        Pointer = (float*)((address + Alignment - 1) & ~(nuint)(Alignment - 1));
        Length = length;
    }

    /// <summary>How many numbers there are.</summary>
    public int Length { get; }

    /// <summary>The first.</summary>
    public float* Pointer { get; }

    /// <summary>All of them.</summary>
    public Span<float> Span => new(Pointer, Length);
}
