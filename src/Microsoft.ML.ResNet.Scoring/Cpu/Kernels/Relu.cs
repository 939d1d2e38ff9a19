using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// The rectifier of every kernel: <c>max(0, x)</c>, where what is no number stays none, as in libtorch. One instruction, unlike the maximum
/// of IEEE 754: processors give the second operand where either is no number.
/// </summary>
internal static class Relu
{
    /// <summary>Rectifies sixteen numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> x) => Vector512.MaxNative(Vector512<float>.Zero, x);

    /// <summary>Rectifies eight numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(Vector256<float> x) => Vector256.MaxNative(Vector256<float>.Zero, x);

    /// <summary>Rectifies four numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Of(Vector128<float> x) => Vector128.MaxNative(Vector128<float>.Zero, x);
}
