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

    /// <summary>The means of sixteen channels.</summary>
    /// <param name="channel">The first of them.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> MeanOf(int channel) => Vector512.Load(Mean + channel);
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
/// <remarks>
/// Each loop stands here once: <c>Map</c>, <c>AddMoments</c> and <c>MaskAndSum</c> take a few pixels at a time, and of these sixteen
/// channels after the other. So memory is read in its order, however many channels there are, and figures of channels are fetched once
/// for a few pixels; <c>Pool</c> alone takes all pixels of some channels. What is computed is an operator, a small struct whose methods
/// the compiler writes into the loop.
/// </remarks>
internal static unsafe partial class ChannelKernels
{
    private const int Lanes = 16;
    private const int FloatsAtATime = 1024; // a page
    private const int FewestPixelsAtATime = 4;
    private const int MomentFloatsAtATime = 4096; // they stay in the first-level cache until they are read again
    private const int FewestMomentPixels = 16; // what makes up for merging them
    private const int ChannelsAtATime = 1024; // whose sums stay in the first-level cache

    /// <summary>
    /// Merges the mean and the summed squared distance from it of an image's pixels into those of the pixels before, a few pixels at a time
    /// (Chan et al. 1979).
    /// </summary>
    /// <param name="image">The image.</param>
    /// <param name="pixels">Its pixels.</param>
    /// <param name="channels">Its channels.</param>
    /// <param name="before">Pixels of the images before.</param>
    /// <param name="mean">The mean of each channel.</param>
    /// <param name="squares">The summed squared distances of each channel.</param>
    public static void AddMoments(float* image, int pixels, int channels, long before, double* mean, double* squares)
    {
        var atOnce = Math.Max(FewestMomentPixels, MomentFloatsAtATime / channels);
        for (var pixel = 0; pixel < pixels; pixel += atOnce)
        {
            var count = Math.Min(atOnce, pixels - pixel);
            var first = image + (nint)pixel * channels;
            var all = before + pixel + count;
            var (share, weight) = ((double)count / all, (double)(before + pixel) * count / all);
            for (var channel = 0; channel < channels; channel += Lanes)
            {
                var partMean = Sum<Values>(first + channel, count, channels, Vector512<float>.Zero) / count;
                var partSquares = Sum<SquaredDistances>(first + channel, count, channels, partMean);
                Merge(partMean.GetLower(), partSquares.GetLower(), share, weight, mean + channel, squares + channel);
                var upper = channel + Lanes / 2;
                Merge(partMean.GetUpper(), partSquares.GetUpper(), share, weight, mean + upper, squares + upper);
            }
        }
    }

    /// <summary>Normalises a row of pixels and cuts it off at 0: <c>max(0, norm(a))</c>.</summary>
    public static void NormalizeRelu(float* a, int pixels, int channels, ChannelNorm norm, float* target)
        => Map(new NormalizedRelu(new Normalized(a, norm)), pixels, channels, target);

    /// <summary>Normalises an image, adds another and cuts off at 0: <c>max(0, norm(a) + residual)</c>.</summary>
    public static void NormalizeAddRelu(float* a, float* residual, int pixels, int channels, ChannelNorm norm, float* target)
        => Map(new NormalizedAddedRelu(new Normalized(a, norm), residual), pixels, channels, target);

    /// <summary>Normalises two images, adds them and cuts off at 0: <c>max(0, norm(a) + norm(b))</c>.</summary>
    public static void NormalizeBothAddRelu(float* a, ChannelNorm normA, float* b, ChannelNorm normB, int pixels, int channels,
        float* target)
        => Map(new BothNormalizedRelu(new Normalized(a, normA), new Normalized(b, normB)), pixels, channels, target);

    /// <summary>The gradient of a row of pixels through batch normalisation.</summary>
    public static void NormGradient(float* gradient, float* a, int pixels, int channels, ChannelNormGradient norm, float* target)
        => Map(new GradientThroughNorm(gradient, a, norm), pixels, channels, target);

    /// <summary>The gradient of <see cref="Pool"/>.</summary>
    public static void PoolGradient(float* gradient, int pixels, int channels, float* target)
        => Map(new Share(gradient, pixels), pixels, channels, target);

    /// <summary>
    /// Sets the gradient to 0 where normalisation gave no more than 0, and sums it, and it times the distance of a from its mean.
    /// </summary>
    public static void MaskByNorm(float* gradient, float* a, int pixels, int channels, ChannelNorm norm, double* sums, double* products)
        => MaskAndSum(new WhereNormIsPositive(norm), gradient, a, pixels, channels, norm, sums, products);

    /// <summary>
    /// Sets the gradient to 0 where the output is 0, and sums it, and it times the distance of a from its mean.
    /// </summary>
    public static void MaskByOutput(float* gradient, float* output, float* a, int pixels, int channels, ChannelNorm norm, double* sums,
        double* products)
        => MaskAndSum(new WhereOutputIsPositive(output), gradient, a, pixels, channels, norm, sums, products);

    /// <summary>Sums the gradient, and it times the distance of a from its mean.</summary>
    public static void AddSums(float* gradient, float* a, int pixels, int channels, ChannelNorm norm, double* sums, double* products)
        => MaskAndSum(new Everywhere(), gradient, a, pixels, channels, norm, sums, products);

    /// <summary>The mean of each channel.</summary>
    public static void Pool(float* image, int pixels, int channels, float* target)
    {
        for (var channel = 0; channel < channels; channel += Lanes)
            (Sum<Values>(image + channel, pixels, channels, Vector512<float>.Zero) / pixels).Store(target + channel);
    }

    /// <summary>Adds floats to others; their number is a multiple of 16.</summary>
    public static void Add(float* values, long length, float* target)
    {
        for (long i = 0; i < length; i += Lanes)
            (Vector512.Load(values + i) + Vector512.Load(target + i)).Store(target + i);
    }

    private static void Map<TOperator>(TOperator argument, int pixels, int channels, float* target)
        where TOperator : struct, IMap
    {
        var map = argument; // a local, whose figures can stay in registers
        var atOnce = Math.Max(FewestPixelsAtATime, FloatsAtATime / channels);
        for (var pixel = 0; pixel < pixels; pixel += atOnce)
        {
            nint first = (nint)pixel * channels, length = (nint)Math.Min(atOnce, pixels - pixel) * channels;
            for (var channel = 0; channel < channels; channel += Lanes)
            {
                map.Load(channel);
                for (nint i = first + channel, end = first + length; i < end; i += channels)
                    map.At(i).Store(target + i);
            }
        }
    }

    // Two sums at a time: an addition takes some cycles, in which the next can begin.
    private static Vector512<float> Sum<TOperator>(float* a, int pixels, int channels, Vector512<float> mean)
        where TOperator : struct, ISum
    {
        var (even, odd) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var pixel = 0;
        for (; pixel + 1 < pixels; pixel += 2, a += 2 * (nint)channels)
        {
            even = TOperator.Add(Vector512.Load(a), mean, even);
            odd = TOperator.Add(Vector512.Load(a + channels), mean, odd);
        }
        return pixel < pixels ? TOperator.Add(Vector512.Load(a), mean, even + odd) : even + odd;
    }

    [SkipLocalsInit]
    private static void MaskAndSum<TOperator>(TOperator argument, float* gradient, float* a, int pixels, int channels, ChannelNorm norm,
        double* sums, double* products)
        where TOperator : struct, IMask
    {
        var mask = argument;
        float* sumsOfImage = stackalloc float[ChannelsAtATime], productsOfImage = stackalloc float[ChannelsAtATime];
        var atOnce = Math.Max(FewestPixelsAtATime, FloatsAtATime / channels);
        for (var panel = 0; panel < channels; panel += ChannelsAtATime)
        {
            var width = Math.Min(ChannelsAtATime, channels - panel);
            new Span<float>(sumsOfImage, width).Clear();
            new Span<float>(productsOfImage, width).Clear();
            for (var pixel = 0; pixel < pixels; pixel += atOnce)
            {
                nint first = (nint)pixel * channels + panel, length = (nint)Math.Min(atOnce, pixels - pixel) * channels;
                for (var channel = 0; channel < width; channel += Lanes)
                {
                    var mean = norm.MeanOf(panel + channel);
                    mask.Load(panel + channel);
                    var (sum, product) = (Vector512<float>.Zero, Vector512<float>.Zero);
                    for (nint i = first + channel, end = first + length; i < end; i += channels)
                    {
                        var distance = Vector512.Load(a + i) - mean;
                        var g = Vector512.Load(gradient + i);
                        if (TOperator.Masks)
                        {
                            g &= mask.Passes(distance, i);
                            g.Store(gradient + i);
                        }
                        sum += g;
                        product = Vector512.FusedMultiplyAdd(g, distance, product);
                    }
                    (Vector512.Load(sumsOfImage + channel) + sum).Store(sumsOfImage + channel);
                    (Vector512.Load(productsOfImage + channel) + product).Store(productsOfImage + channel);
                }
            }
            for (var channel = 0; channel < width; channel++)
            {
                sums[panel + channel] += sumsOfImage[channel];
                products[panel + channel] += productsOfImage[channel];
            }
        }
    }

    // Eight channels; share and weight are n / (m + n) and m n / (m + n) where n pixels come to m.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Merge(Vector256<float> partMean, Vector256<float> partSquares, double share, double weight, double* mean,
        double* squares)
    {
        var before = Vector512.Load(mean);
        var difference = Widened(partMean) - before;
        Vector512.FusedMultiplyAdd(difference, Vector512.Create(share), before).Store(mean);
        Vector512.FusedMultiplyAdd(difference * difference, Vector512.Create(weight), Vector512.Load(squares) + Widened(partSquares))
            .Store(squares);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Widened(Vector256<float> values)
    {
        var (lower, upper) = Vector256.Widen(values);
        return Vector512.Create(lower, upper);
    }
}
