using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>The floats of a tensor where they lie, for code that does not need libtorch to work on them.</summary>
internal static class TensorMemory
{
    /// <summary>
    /// Whether the floats of a tensor can be had: it is on the CPU, of float32, and dense, channels last if it has four dimensions.
    /// </summary>
    public static bool IsDense(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.device_type == TorchSharp.DeviceType.CPU && tensor.dtype == ScalarType.Float32 && InOrder(tensor).is_contiguous();
    }

    /// <summary>The floats, in the order in which they lie: channels last if there are four dimensions.</summary>
    /// <param name="tensor">A dense tensor; the span is of use as long as it lives.</param>
    public static Span<float> Of(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return MemoryMarshal.Cast<byte, float>(InOrder(tensor).bytes);
    }

    /// <summary>The address of the first of these floats.</summary>
    /// <param name="tensor">A dense tensor; the pointer is of use as long as it lives.</param>
    public static unsafe float* PointerTo(Tensor tensor) => (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(Of(tensor)));

    private static Tensor InOrder(Tensor tensor) => tensor.dim() == 4 ? tensor.permute(0, 2, 3, 1) : tensor.alias();
}
