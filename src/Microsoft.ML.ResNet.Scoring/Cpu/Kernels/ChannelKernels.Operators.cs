using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>The operators: what is computed for sixteen channels of a pixel.</summary>
internal static unsafe partial class ChannelKernels
{
    // Makes one image, or more, another.
    private interface IMap
    {
        // Loads the figures of sixteen channels.
        void Load(int channel);

        // The result at an offset in the image.
        Vector512<float> At(nint i);
    }

    // Adds what a pixel makes to a sum.
    private interface ISum
    {
        static abstract Vector512<float> Add(Vector512<float> a, Vector512<float> mean, Vector512<float> sum);
    }

    // Lets gradients pass, or not; distance is that of the normalisation's input from its mean, i the offset in the image.
    private interface IMask
    {
        static abstract bool Masks { get; }

        // Loads the figures of sixteen channels.
        void Load(int channel);

        Vector512<float> Passes(Vector512<float> distance, nint i);
    }

    // (a - mean) scale + shift: what the operators below share.
    private struct Normalized(float* a, ChannelNorm norm) : IMap
    {
        private readonly float* _a = a;
        private readonly ChannelNorm _norm = norm;
        private Vector512<float> _mean, _scale, _shift;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Load(int channel) => (_mean, _scale, _shift) = _norm.Of(channel);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly Vector512<float> At(nint i) => Vector512.FusedMultiplyAdd(Vector512.Load(_a + i) - _mean, _scale, _shift);
    }

    private struct NormalizedRelu(Normalized a) : IMap
    {
        private Normalized _a = a;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Load(int channel) => _a.Load(channel);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly Vector512<float> At(nint i) => Relu.Of(_a.At(i));
    }

    private struct NormalizedAddedRelu(Normalized a, float* residual) : IMap
    {
        private readonly float* _residual = residual;
        private Normalized _a = a;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Load(int channel) => _a.Load(channel);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly Vector512<float> At(nint i) => Relu.Of(_a.At(i) + Vector512.Load(_residual + i));
    }

    private struct BothNormalizedRelu(Normalized a, Normalized b) : IMap
    {
        private Normalized _a = a, _b = b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Load(int channel)
        {
            _a.Load(channel);
            _b.Load(channel);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly Vector512<float> At(nint i) => Relu.Of(_a.At(i) + _b.At(i));
    }

    private struct GradientThroughNorm(float* gradient, float* a, ChannelNormGradient norm) : IMap
    {
        private readonly float* _gradient = gradient, _a = a;
        private readonly ChannelNormGradient _norm = norm;
        private Vector512<float> _mean, _factor, _slope, _offset;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Load(int channel) => (_mean, _factor, _slope, _offset) = _norm.Of(channel);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly Vector512<float> At(nint i)
            => Vector512.FusedMultiplyAdd(Vector512.Load(_gradient + i), _factor,
                Vector512.FusedMultiplyAdd(Vector512.Load(_a + i) - _mean, _slope, _offset));
    }

    // An equal part for each pixel.
    private struct Share(float* whole, int pixels) : IMap
    {
        private readonly float* _whole = whole;
        private readonly int _pixels = pixels;
        private Vector512<float> _each;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Load(int channel) => _each = Vector512.Load(_whole + channel) / _pixels;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly Vector512<float> At(nint i) => _each;
    }

    private readonly struct Values : ISum
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Add(Vector512<float> a, Vector512<float> mean, Vector512<float> sum) => sum + a;
    }

    private readonly struct SquaredDistances : ISum
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Add(Vector512<float> a, Vector512<float> mean, Vector512<float> sum)
            => Vector512.FusedMultiplyAdd(a - mean, a - mean, sum);
    }

    private struct WhereNormIsPositive(ChannelNorm norm) : IMask
    {
        private readonly ChannelNorm _norm = norm;
        private Vector512<float> _scale, _shift;

        public static bool Masks => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Load(int channel) => (_, _scale, _shift) = _norm.Of(channel);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly Vector512<float> Passes(Vector512<float> distance, nint i)
            => Vector512.GreaterThan(Vector512.FusedMultiplyAdd(distance, _scale, _shift), Vector512<float>.Zero);
    }

    private readonly struct WhereOutputIsPositive(float* output) : IMask
    {
        private readonly float* _output = output;

        public static bool Masks => true;

        public void Load(int channel)
        {
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Passes(Vector512<float> distance, nint i)
            => Vector512.GreaterThan(Vector512.Load(_output + i), Vector512<float>.Zero);
    }

    private readonly struct Everywhere : IMask
    {
        public static bool Masks => false;

        public void Load(int channel)
        {
        }

        public Vector512<float> Passes(Vector512<float> distance, nint i) => Vector512<float>.AllBitsSet;
    }
}
