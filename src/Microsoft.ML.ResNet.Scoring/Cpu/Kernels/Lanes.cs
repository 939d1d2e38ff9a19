using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// A vector of floats of the processor's own width, for loops that keep many of them in registers: the runtime computes vectors of 512 bits
/// on every processor, but where it takes two registers for each, half of what such a loop keeps would go to memory.
/// </summary>
internal unsafe interface ILanes<TSelf>
    where TSelf : struct, ILanes<TSelf>
{
    /// <summary>Floats of a vector.</summary>
    static abstract int Count { get; }

    /// <summary>Reads a vector.</summary>
    static abstract TSelf Load(float* first);

    /// <summary>Writes a vector.</summary>
    static abstract void Store(TSelf lanes, float* first);

    /// <summary>Cuts off below zero; see <see cref="Relu"/>.</summary>
    static abstract TSelf Rectified(TSelf lanes);

    /// <summary><paramref name="a"/> times a number, plus <paramref name="b"/>, rounded once where the processor can.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, float factor, TSelf b);

    static abstract TSelf operator +(TSelf a, TSelf b);

    static abstract TSelf operator -(TSelf a, TSelf b);

    static abstract TSelf operator *(TSelf a, float factor);

    static abstract TSelf operator -(TSelf a);
}

/// <summary>Eight floats.</summary>
internal readonly unsafe struct EightLanes(Vector256<float> value) : ILanes<EightLanes>
{
    public static int Count => 8;

    public Vector256<float> Value { get; } = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightLanes Load(float* first) => new(Vector256.Load(first));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(EightLanes lanes, float* first) => lanes.Value.Store(first);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightLanes Rectified(EightLanes lanes) => new(Relu.Of(lanes.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightLanes MultiplyAdd(EightLanes a, float factor, EightLanes b)
        => new(Vector256.MultiplyAddEstimate(a.Value, Vector256.Create(factor), b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightLanes operator +(EightLanes a, EightLanes b) => new(a.Value + b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightLanes operator -(EightLanes a, EightLanes b) => new(a.Value - b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightLanes operator *(EightLanes a, float factor) => new(a.Value * factor);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightLanes operator -(EightLanes a) => new(-a.Value);
}

/// <summary>Sixteen floats.</summary>
internal readonly unsafe struct SixteenLanes(Vector512<float> value) : ILanes<SixteenLanes>
{
    public static int Count => 16;

    public Vector512<float> Value { get; } = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SixteenLanes Load(float* first) => new(Vector512.Load(first));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(SixteenLanes lanes, float* first) => lanes.Value.Store(first);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SixteenLanes Rectified(SixteenLanes lanes) => new(Relu.Of(lanes.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SixteenLanes MultiplyAdd(SixteenLanes a, float factor, SixteenLanes b)
        => new(Vector512.MultiplyAddEstimate(a.Value, Vector512.Create(factor), b.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SixteenLanes operator +(SixteenLanes a, SixteenLanes b) => new(a.Value + b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SixteenLanes operator -(SixteenLanes a, SixteenLanes b) => new(a.Value - b.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SixteenLanes operator *(SixteenLanes a, float factor) => new(a.Value * factor);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SixteenLanes operator -(SixteenLanes a) => new(-a.Value);
}
