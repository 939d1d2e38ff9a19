using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Tensors;

/// <summary>The values of tensors: what they are like, and the same values as another type.</summary>
internal static class TensorValues
{
    private const int Exponent = 0x7f800000; // of float32: all of its bits are set in NaN and in infinity alone

    /// <summary>Whether no value is NaN or infinite.</summary>
    /// <param name="tensor">Of <see cref="ElementType.Float32"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // in the first seconds of a process, too
    public static bool IsFinite(this NamedTensor tensor)
    {
        var bits = MemoryMarshal.Cast<byte, int>(tensor.Data.Span);
        var i = 0;
        if (Vector.IsHardwareAccelerated)
            for (; i <= bits.Length - Vector<int>.Count; i += Vector<int>.Count)
                if (Vector.EqualsAny(new Vector<int>(bits[i..]) & new Vector<int>(Exponent), new Vector<int>(Exponent)))
                    return false;
        for (; i < bits.Length; i++)
            if ((bits[i] & Exponent) == Exponent)
                return false;
        return true;
    }

    /// <summary>Whether a value is below zero.</summary>
    /// <param name="tensor">Of <see cref="ElementType.Float32"/>.</param>
    public static bool HasNegative(this NamedTensor tensor)
    {
        foreach (var value in MemoryMarshal.Cast<byte, float>(tensor.Data.Span))
            if (value < 0)
                return true;
        return false;
    }

    /// <summary>
    /// The tensor as one of <see cref="ElementType.Float32"/>, if it has floating-point numbers; any other is returned as it is.
    /// </summary>
    /// <remarks>Numbers of 16 bits keep their value. Of 64 bits they are rounded, and become infinite where they are too large.</remarks>
    public static NamedTensor ToFloat32(this NamedTensor tensor) => tensor.Type switch
    {
        ElementType.Float16 => Convert<Half>(tensor, value => (float)value),
        ElementType.BFloat16 => Convert<ushort>(tensor, value => BitConverter.Int32BitsToSingle(value << 16)),
        ElementType.Float64 => Convert<double>(tensor, value => (float)value),
        _ => tensor,
    };

    private static NamedTensor Convert<T>(NamedTensor tensor, Func<T, float> convert) where T : struct
    {
        var source = MemoryMarshal.Cast<byte, T>(tensor.Data.Span);
        var converted = new byte[checked(source.Length * sizeof(float))];
        var target = MemoryMarshal.Cast<byte, float>(converted.AsSpan());
        for (var i = 0; i < source.Length; i++)
            target[i] = convert(source[i]);
        return tensor with { Type = ElementType.Float32, Data = converted };
    }
}
