using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>3x3 max pooling of stride 2 behind normalisation and ReLU, and the way back through it.</summary>
internal static unsafe partial class ChannelKernels
{
    private const int PoolSize = 3, PoolStride = 2;

    /// <summary>
    /// Normalises an image, cuts it off at 0 and keeps the largest of each window: <c>max over the window of max(0, norm(a))</c>.
    /// </summary>
    /// <param name="a">The image.</param>
    /// <param name="height">Its rows.</param>
    /// <param name="width">Its columns.</param>
    /// <param name="channels">Its channels.</param>
    /// <param name="norm">How it is normalised.</param>
    /// <param name="target">Receives half of the rows and columns, rounded up.</param>
    public static void NormalizeReluMaxPool(float* a, int height, int width, int channels, ChannelNorm norm, float* target)
    {
        for (var y = -1; y < height - 1; y += PoolStride)
        {
            var (top, bottom) = (Math.Max(0, y), Math.Min(y + PoolSize, height));
            for (var channel = 0; channel < channels; channel += Lanes)
            {
                var normalized = new Normalized(a + channel, norm);
                normalized.Load(channel);
                var pooled = target + channel;
                for (var x = -1; x < width - 1; x += PoolStride, pooled += channels)
                {
                    var right = Math.Min(x + PoolSize, width);
                    var max = Vector512<float>.Zero; // ReLU
                    for (var row = top; row < bottom; row++)
                        for (var column = Math.Max(0, x); column < right; column++)
                            max = Vector512.MaxNative(max, normalized.At(((nint)row * width + column) * channels));
                    max.Store(pooled);
                }
            }
            target += (nint)((width + 1) / PoolStride) * channels;
        }
    }

    /// <summary>
    /// The gradient of <see cref="NormalizeReluMaxPool"/>, up to the normalised image: each window's goes to its largest pixel, to the
    /// first of equals as in libtorch, and nowhere if none is above 0.
    /// </summary>
    /// <param name="gradient">The gradient of what pooling gave.</param>
    /// <param name="output">What it gave.</param>
    /// <param name="a">The image.</param>
    /// <param name="height">Its rows.</param>
    /// <param name="width">Its columns.</param>
    /// <param name="channels">Its channels.</param>
    /// <param name="norm">How it is normalised.</param>
    /// <param name="target">Receives a gradient for every pixel of the image.</param>
    public static void MaxPoolGradient(float* gradient, float* output, float* a, int height, int width, int channels, ChannelNorm norm,
        float* target)
    {
        NativeBuffer.Clear(target, (long)height * width * channels);
        for (var y = -1; y < height - 1; y += PoolStride)
        {
            var (top, bottom) = (Math.Max(0, y), Math.Min(y + PoolSize, height));
            for (var channel = 0; channel < channels; channel += Lanes)
            {
                var normalized = new Normalized(a + channel, norm);
                normalized.Load(channel);
                nint pooled = channel;
                for (var x = -1; x < width - 1; x += PoolStride, pooled += channels)
                {
                    var right = Math.Min(x + PoolSize, width);
                    var max = Vector512.Load(output + pooled);
                    var left = Vector512.Load(gradient + pooled) & Vector512.GreaterThan(max, Vector512<float>.Zero);
                    for (var row = top; row < bottom; row++)
                        for (var column = Math.Max(0, x); column < right; column++)
                        {
                            var pixel = ((nint)row * width + column) * channels;
                            var taken = Vector512.Equals(normalized.At(pixel), max);
                            (Vector512.Load(target + channel + pixel) + (left & taken)).Store(target + channel + pixel);
                            left = Vector512.AndNot(left, taken);
                        }
                }
            }
            var rowLength = (nint)((width + 1) / PoolStride) * channels;
            gradient += rowLength;
            output += rowLength;
        }
    }
}
