using System.Runtime.Intrinsics;
using Microsoft.ML.ResNet.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Tests.Cpu.Kernels;

/// <summary>Each kernel against its formula in double, over blocks that end and begin at pages that nobody may touch.</summary>
[TestClass]
public unsafe class ChannelKernelsTests
{
    private const double Tolerance = 2e-5;

    public static IEnumerable<object[]> Sizes
        => from size in new[] { (1, 16), (2, 16), (5, 32), (8, 48), (49, 16), (70, 64), (5, 1040) }
           from below in new[] { false, true }
           select (object[])[size.Item1, size.Item2, below];

    [TestMethod]
    [DynamicData(nameof(Sizes))]
    public void Kernels_compute_their_formulas(int pixels, int channels, bool below)
    {
        GuardedAllocator.SkipWhereThereIsNone();
        using var scope = new AllocatorScope(new GuardedAllocator(below));
        using var t = new Tensors(pixels, channels);
        var normA = new ChannelNorm(t.Figure(0), t.Figure(1), t.Figure(2));
        var normB = new ChannelNorm(t.Figure(3), t.Figure(4), t.Figure(5));
        var gradientNorm = new ChannelNormGradient(t.Figure(0), t.Figure(1), t.Figure(2), t.Figure(3));
        double Norm(int i, int c) => (t.A[i] - t.F(0, c)) * (double)t.F(1, c) + t.F(2, c);
        double NormB(int i, int c) => (t.B[i] - t.F(3, c)) * (double)t.F(4, c) + t.F(5, c);

        ChannelKernels.NormalizeRelu(t.A, pixels, channels, normA, t.Target);
        t.AssertTarget((i, c) => Math.Max(0, Norm(i, c)));

        ChannelKernels.NormalizeAddRelu(t.A, t.B, pixels, channels, normA, t.Target);
        t.AssertTarget((i, c) => Math.Max(0, Norm(i, c) + t.B[i]));

        ChannelKernels.NormalizeBothAddRelu(t.A, normA, t.B, normB, pixels, channels, t.Target);
        t.AssertTarget((i, c) => Math.Max(0, Norm(i, c) + NormB(i, c)));

        ChannelKernels.NormGradient(t.B, t.A, pixels, channels, gradientNorm, t.Target);
        t.AssertTarget((i, c) => t.B[i] * (double)t.F(1, c) + (t.A[i] - t.F(0, c)) * (double)t.F(2, c) + t.F(3, c));

        ChannelKernels.PoolGradient(t.Figure(0), pixels, channels, t.Target);
        t.AssertTarget((_, c) => t.F(0, c) / (double)pixels);

        new Span<float>(t.Target, pixels * channels).Fill(1);
        ChannelKernels.Add(t.A, pixels * channels, t.Target);
        t.AssertTarget((i, _) => 1.0 + t.A[i]);
    }

    [TestMethod]
    [DynamicData(nameof(Sizes))]
    public void Sums_are_added_to_those_that_are_there(int pixels, int channels, bool below)
    {
        GuardedAllocator.SkipWhereThereIsNone();
        using var scope = new AllocatorScope(new GuardedAllocator(below));
        using var t = new Tensors(pixels, channels);
        var norm = new ChannelNorm(t.Figure(0), t.Figure(1), t.Figure(2));
        double Masked(int i, int c) => (t.A[i] - t.F(0, c)) * (double)t.F(1, c) + t.F(2, c) > 0 ? t.B[i] : 0;
        double[] sums = [.. Enumerable.Repeat(1.0, channels)], products = [.. Enumerable.Repeat(2.0, channels)];

        fixed (double* sum = sums, product = products)
            ChannelKernels.AddSums(t.B, t.A, pixels, channels, norm, sum, product);
        t.AssertSums(c => 1, (i, _) => t.B[i], sums);
        t.AssertSums(c => 2, (i, c) => (double)t.B[i] * (t.A[i] - t.F(0, c)), products);

        var (sumsBefore, productsBefore) = (sums.ToArray(), products.ToArray());
        new Span<float>(t.B, pixels * channels).CopyTo(new Span<float>(t.Target, pixels * channels));
        fixed (double* sum = sums, product = products)
            ChannelKernels.MaskByNorm(t.Target, t.A, pixels, channels, norm, sum, product);
        t.AssertTarget(Masked);
        t.AssertSums(c => sumsBefore[c], Masked, sums);
        t.AssertSums(c => productsBefore[c], (i, c) => Masked(i, c) * (t.A[i] - t.F(0, c)), products);

        double MaskedByOutput(int i, int c) => t.A[i] > 0 ? t.B[i] : 0;
        (sumsBefore, productsBefore) = (sums.ToArray(), products.ToArray());
        new Span<float>(t.B, pixels * channels).CopyTo(new Span<float>(t.Target, pixels * channels));
        fixed (double* sum = sums, product = products)
            ChannelKernels.MaskByOutput(t.Target, t.A, t.B, pixels, channels, norm, sum, product);
        t.AssertTarget(MaskedByOutput);
        t.AssertSums(c => sumsBefore[c], MaskedByOutput, sums);
        t.AssertSums(c => productsBefore[c], (i, c) => MaskedByOutput(i, c) * (t.B[i] - t.F(0, c)), products);

        using var pooled = new NativeBuffer(channels);
        ChannelKernels.Pool(t.A, pixels, channels, pooled.Pointer);
        t.AssertSums(_ => 0, (i, _) => t.A[i] / (double)pixels,
            [.. new Span<float>(pooled.Pointer, channels).ToArray().Select(mean => (double)mean)]);
    }

    [TestMethod]
    [DynamicData(nameof(Sizes))]
    public void Moments_of_images_merge_into_those_of_all_their_pixels(int pixels, int channels, bool below)
    {
        GuardedAllocator.SkipWhereThereIsNone();
        using var scope = new AllocatorScope(new GuardedAllocator(below));
        using var t = new Tensors(pixels, channels);
        var (mean, squares) = (new double[channels], new double[channels]);

        fixed (double* m = mean, s = squares)
        {
            ChannelKernels.AddMoments(t.A, pixels, channels, before: 0, m, s);
            ChannelKernels.AddMoments(t.B, pixels, channels, before: pixels, m, s);
        }

        for (var channel = 0; channel < channels; channel++)
        {
            var values = Enumerable.Range(0, pixels).SelectMany(pixel => new[] { t.A[pixel * channels + channel],
                (double)t.B[pixel * channels + channel] }).ToList();
            Assert.AreEqual(values.Average(), mean[channel], Tolerance);
            Assert.AreEqual(values.Sum(value => (value - values.Average()) * (value - values.Average())), squares[channel], 10 * Tolerance);
        }
    }

    [TestMethod]
    [DataRow(1, 1, 16, 32, false)]
    [DataRow(1, 2, 16, 32, true)]
    [DataRow(3, 2, 16, 32, false)]
    [DataRow(3, 2, 16, 32, true)]
    [DataRow(4, 2, 32, 64, false)]
    [DataRow(5, 3, 16, 64, true)]
    [DataRow(2, 2, 32, 32, false)]
    public void Pixels_get_channels_of_zeros_on_both_sides_and_gradients_lose_them(int pixels, int stride, int channels, int outputs,
        bool below)
    {
        GuardedAllocator.SkipWhereThereIsNone();
        using var scope = new AllocatorScope(new GuardedAllocator(below));
        using NativeBuffer row = new(((pixels - 1) * stride + 1) * channels), target = new(pixels * outputs);
        for (var i = 0; i < row.Length; i++)
            row.Pointer[i] = i + 1;

        ChannelKernels.PadChannels(row.Pointer, pixels, stride, channels, outputs, target.Pointer);

        for (var i = 0; i < target.Length; i++)
        {
            var (pixel, channel) = (i / outputs, i % outputs - (outputs - channels) / 2);
            Assert.AreEqual(channel < 0 || channel >= channels ? 0 : pixel * stride * channels + channel + 1, target.Pointer[i]);
        }

        ChannelKernels.AddUnpaddedChannels(target.Pointer, pixels, stride, channels, outputs, row.Pointer);

        for (var i = 0; i < row.Length; i++)
            Assert.AreEqual(i / channels % stride == 0 ? 2 * (i + 1) : i + 1, row.Pointer[i]);
    }

    [TestMethod]
    public void The_rectifier_cuts_off_below_zero_and_keeps_what_is_no_number()
    {
        Assert.AreEqual(Vector512.Create(0f), Relu.Of(Vector512.Create(-3f)));
        Assert.AreEqual(Vector512.Create(3f), Relu.Of(Vector512.Create(3f)));
        Assert.AreEqual(Vector512.Create(float.PositiveInfinity), Relu.Of(Vector512.Create(float.PositiveInfinity)));
        Assert.IsTrue(float.IsNaN(Relu.Of(Vector512.Create(float.NaN))[5]));
        Assert.AreEqual(Vector256.Create(0f), Relu.Of(Vector256.Create(float.NegativeInfinity)));
        Assert.AreEqual(Vector256.Create(3f), Relu.Of(Vector256.Create(3f)));
        Assert.IsTrue(float.IsNaN(Relu.Of(Vector256.Create(float.NaN))[5]));
    }

    // Two images, a target, and six rows of figures for channels.
    private sealed class Tensors : IDisposable
    {
        private readonly NativeBuffer _a, _b, _target;
        private readonly NativeBuffer[] _figures;
        private readonly int _pixels, _channels;

        public Tensors(int pixels, int channels)
        {
            var random = new Random(pixels + channels);
            (_pixels, _channels) = (pixels, channels);
            (_a, _b, _target) = (Noise(pixels * channels), Noise(pixels * channels), new NativeBuffer(pixels * channels));
            _figures = [.. Enumerable.Range(0, 6).Select(_ => Noise(channels))];

            NativeBuffer Noise(int length)
            {
                var buffer = new NativeBuffer(length);
                for (var i = 0; i < length; i++)
                    buffer.Pointer[i] = random.NextSingle() * 2 - 1;
                return buffer;
            }
        }

        public float* A => _a.Pointer;

        public float* B => _b.Pointer;

        public float* Target => _target.Pointer;

        public float* Figure(int row) => _figures[row].Pointer;

        public float F(int row, int channel) => _figures[row].Pointer[channel];

        public void AssertTarget(Func<int, int, double> expected)
        {
            for (var i = 0; i < _pixels * _channels; i++)
                Assert.AreEqual(expected(i, i % _channels), Target[i], Tolerance, $"at {i}");
        }

        public void AssertSums(Func<int, double> before, Func<int, int, double> each, double[] actual)
        {
            for (var channel = 0; channel < _channels; channel++)
                Assert.AreEqual(before(channel) + Enumerable.Range(0, _pixels).Sum(pixel => each(pixel * _channels + channel, channel)),
                    actual[channel], Tolerance, $"channel {channel}");
        }

        public void Dispose()
        {
            foreach (var buffer in _figures.Append(_a).Append(_b).Append(_target))
                buffer.Dispose();
        }
    }
}
