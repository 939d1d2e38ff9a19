using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>What becomes of a vector of an output pixel's channels.</summary>
/// <typeparam name="TLanes">The vectors to compute with.</typeparam>
internal unsafe interface IPixelSink<TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    /// <summary>Takes a sum.</summary>
    /// <param name="sum">The sum.</param>
    /// <param name="pixel">Where it belongs.</param>
    void Put(TLanes sum, float* pixel);
}

/// <summary>Stores sums, or adds them to what is there.</summary>
/// <typeparam name="TLanes">The vectors to compute with.</typeparam>
/// <param name="adds">Whether to add.</param>
internal readonly unsafe struct PlainSink<TLanes>(bool adds) : IPixelSink<TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put(TLanes sum, float* pixel) => TLanes.Store(adds ? sum + TLanes.Load(pixel) : sum, pixel);
}
