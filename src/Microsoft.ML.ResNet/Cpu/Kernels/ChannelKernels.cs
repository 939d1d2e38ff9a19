using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// How a channel's value a becomes y in batch normalisation, <c>y = (a - Mean) Scale + Shift</c>: three figures for each channel.
/// </summary>
/// <param name="Mean">The means.</param>
/// <param name="Scale">The factors.</param>
/// <param name="Shift">The summands.</param>
internal readonly unsafe struct ChannelNorm(float* Mean, float* Scale, float* Shift)
{
    /// <summary>The figures of sixteen channels.</summary>
    /// <param name="channel">The first of them.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (Vector512<float> Mean, Vector512<float> Scale, Vector512<float> Shift) Of(int channel)
        => (Vector512.Load(Mean + channel), Vector512.Load(Scale + channel), Vector512.Load(Shift + channel));
}

/// <summary>
/// The gradient through batch normalisation and the statistics of its batch: with the gradient g of y, that of a is
/// <c>Factor g + Slope (a - Mean) + Offset</c>, where slope and offset hold the sums over the batch.
/// </summary>
/// <param name="Mean">The means.</param>
/// <param name="Factor">The factors of g.</param>
/// <param name="Slope">The factors of the distance to the mean.</param>
/// <param name="Offset">The summands.</param>
internal readonly unsafe struct ChannelNormGradient(float* Mean, float* Factor, float* Slope, float* Offset)
{
    /// <summary>The figures of sixteen channels.</summary>
    /// <param name="channel">The first of them.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (Vector512<float> Mean, Vector512<float> Factor, Vector512<float> Slope, Vector512<float> Offset) Of(int channel)
        => (Vector512.Load(Mean + channel), Vector512.Load(Factor + channel), Vector512.Load(Slope + channel),
            Vector512.Load(Offset + channel));
}

/// <summary>
/// What happens to one image, channel by channel, between convolutions. Images are channels-last; channels are a multiple of 16.
/// </summary>
internal static unsafe class ChannelKernels
{
    private const int Lanes = 16;

    /// <summary>
    /// Merges the mean and the summed squared distance from it of an image's pixels into those of the images before (Chan et al. 1979).
    /// </summary>
    /// <param name="image">The image.</param>
    /// <param name="pixels">Its pixels.</param>
    /// <param name="channels">Its channels.</param>
    /// <param name="before">Pixels of the images before.</param>
    /// <param name="mean">The mean of each channel.</param>
    /// <param name="squares">The summed squared distances of each channel.</param>
    public static void AddMoments(float* image, int pixels, int channels, long before, double* mean, double* squares)
    {
        for (var channel = 0; channel < channels; channel += Lanes)
        {
            var first = image + channel;
            var imageMean = Sum(first, pixels, channels) / pixels;
            var square = SumOfSquares(first, pixels, channels, imageMean);
            for (var lane = 0; lane < Lanes; lane++)
            {
                var difference = imageMean[lane] - mean[channel + lane];
                mean[channel + lane] += difference * pixels / (before + pixels);
                squares[channel + lane] += square[lane] + difference * difference * before * pixels / (before + pixels);
            }
        }
    }

    // Two sums at a time: an addition takes some cycles, in which the next can begin.
    private static Vector512<float> Sum(float* a, int pixels, int channels)
    {
        var (even, odd) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var pixel = 0;
        for (; pixel + 1 < pixels; pixel += 2, a += 2 * channels)
        {
            even += Vector512.Load(a);
            odd += Vector512.Load(a + channels);
        }
        return pixel < pixels ? even + odd + Vector512.Load(a) : even + odd;
    }

    private static Vector512<float> SumOfSquares(float* a, int pixels, int channels, Vector512<float> mean)
    {
        var (even, odd) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var pixel = 0;
        for (; pixel + 1 < pixels; pixel += 2, a += 2 * channels)
        {
            var (one, other) = (Vector512.Load(a) - mean, Vector512.Load(a + channels) - mean);
            even = Vector512.FusedMultiplyAdd(one, one, even);
            odd = Vector512.FusedMultiplyAdd(other, other, odd);
        }
        var last = pixel < pixels ? Vector512.Load(a) - mean : Vector512<float>.Zero;
        return Vector512.FusedMultiplyAdd(last, last, even + odd);
    }

    /// <summary>Normalises a row of pixels and cuts it off at 0: <c>max(0, norm(a))</c>.</summary>
    public static void NormalizeRelu(float* a, int pixels, int channels, ChannelNorm norm, float* target)
    {
        for (var channel = 0; channel < channels; channel += Lanes)
        {
            var (mean, scale, shift) = norm.Of(channel);
            for (nint i = channel, end = (nint)pixels * channels; i < end; i += channels)
                Vector512.Max(Vector512<float>.Zero, Vector512.FusedMultiplyAdd(Vector512.Load(a + i) - mean, scale, shift))
                    .Store(target + i);
        }
    }

    /// <summary>Normalises an image, adds another and cuts off at 0: <c>max(0, norm(a) + residual)</c>.</summary>
    public static void NormalizeAddRelu(float* a, float* residual, int pixels, int channels, ChannelNorm norm, float* target)
    {
        for (var channel = 0; channel < channels; channel += Lanes)
        {
            var (mean, scale, shift) = norm.Of(channel);
            for (nint i = channel, end = (nint)pixels * channels; i < end; i += channels)
                Vector512.Max(Vector512<float>.Zero, Vector512.FusedMultiplyAdd(Vector512.Load(a + i) - mean, scale, shift)
                    + Vector512.Load(residual + i)).Store(target + i);
        }
    }

    /// <summary>Normalises two images, adds them and cuts off at 0: <c>max(0, norm(a) + norm(b))</c>.</summary>
    public static void NormalizeBothAddRelu(float* a, ChannelNorm normA, float* b, ChannelNorm normB, int pixels, int channels,
        float* target)
    {
        for (var channel = 0; channel < channels; channel += Lanes)
        {
            var (meanA, scaleA, shiftA) = normA.Of(channel);
            var (meanB, scaleB, shiftB) = normB.Of(channel);
            for (nint i = channel, end = (nint)pixels * channels; i < end; i += channels)
            {
                var y = Vector512.FusedMultiplyAdd(Vector512.Load(a + i) - meanA, scaleA, shiftA)
                    + Vector512.FusedMultiplyAdd(Vector512.Load(b + i) - meanB, scaleB, shiftB);
                Vector512.Max(Vector512<float>.Zero, y).Store(target + i);
            }
        }
    }

    /// <summary>The gradient of a row of pixels through batch normalisation.</summary>
    public static void NormGradient(float* gradient, float* a, int pixels, int channels, ChannelNormGradient norm, float* target)
    {
        for (var channel = 0; channel < channels; channel += Lanes)
        {
            var (mean, factor, slope, offset) = norm.Of(channel);
            for (nint i = channel, end = (nint)pixels * channels; i < end; i += channels)
                Vector512.FusedMultiplyAdd(Vector512.Load(gradient + i), factor,
                    Vector512.FusedMultiplyAdd(Vector512.Load(a + i) - mean, slope, offset)).Store(target + i);
        }
    }

    /// <summary>
    /// Sets the gradient to 0 where normalisation gave no more than 0, and sums it, and it times the distance of a from its mean.
    /// </summary>
    public static void MaskByNorm(float* gradient, float* a, int pixels, int channels, ChannelNorm norm, double* sums, double* products)
    {
        for (var channel = 0; channel < channels; channel += Lanes)
        {
            var (mean, scale, shift) = norm.Of(channel);
            var (sum, product) = (Vector512<float>.Zero, Vector512<float>.Zero);
            for (nint i = channel, end = (nint)pixels * channels; i < end; i += channels)
            {
                var distance = Vector512.Load(a + i) - mean;
                var passes = Vector512.GreaterThan(Vector512.FusedMultiplyAdd(distance, scale, shift), Vector512<float>.Zero);
                var g = Vector512.Load(gradient + i) & passes;
                g.Store(gradient + i);
                sum += g;
                product = Vector512.FusedMultiplyAdd(g, distance, product);
            }
            Add(sum, sums + channel);
            Add(product, products + channel);
        }
    }

    /// <summary>Sets the gradient to 0 where the output is 0, and sums it.</summary>
    public static void MaskByOutput(float* gradient, float* output, int pixels, int channels)
    {
        for (nint i = 0, end = (nint)pixels * channels; i < end; i += Lanes)
            (Vector512.Load(gradient + i) & Vector512.GreaterThan(Vector512.Load(output + i), Vector512<float>.Zero)).Store(gradient + i);
    }

    /// <summary>Sums the gradient, and it times the distance of a from its mean.</summary>
    public static void AddSums(float* gradient, float* a, int pixels, int channels, ChannelNorm norm, double* sums, double* products)
    {
        for (var channel = 0; channel < channels; channel += Lanes)
        {
            var (mean, _, _) = norm.Of(channel);
            var (sum, product) = (Vector512<float>.Zero, Vector512<float>.Zero);
            for (nint i = channel, end = (nint)pixels * channels; i < end; i += channels)
            {
                var g = Vector512.Load(gradient + i);
                sum += g;
                product = Vector512.FusedMultiplyAdd(g, Vector512.Load(a + i) - mean, product);
            }
            Add(sum, sums + channel);
            Add(product, products + channel);
        }
    }

    /// <summary>The mean of each channel.</summary>
    public static void Pool(float* image, int pixels, int channels, float* target)
    {
        for (var channel = 0; channel < channels; channel += Lanes)
        {
            var sum = Vector512<float>.Zero;
            for (nint i = channel, end = (nint)pixels * channels; i < end; i += channels)
                sum += Vector512.Load(image + i);
            (sum / pixels).Store(target + channel);
        }
    }

    /// <summary>The gradient of <see cref="Pool"/>.</summary>
    public static void PoolGradient(float* gradient, int pixels, int channels, float* target)
    {
        for (var channel = 0; channel < channels; channel += Lanes)
        {
            var each = Vector512.Load(gradient + channel) / pixels;
            for (nint i = channel, end = (nint)pixels * channels; i < end; i += channels)
                each.Store(target + i);
        }
    }

    /// <summary>Adds floats to others; their number is a multiple of 16.</summary>
    public static void Add(float* values, long length, float* target)
    {
        for (long i = 0; i < length; i += Lanes)
            (Vector512.Load(values + i) + Vector512.Load(target + i)).Store(target + i);
    }

    private static void Add(Vector512<float> values, double* sums)
    {
        for (var lane = 0; lane < Lanes; lane++)
            sums[lane] += values[lane];
    }
}
