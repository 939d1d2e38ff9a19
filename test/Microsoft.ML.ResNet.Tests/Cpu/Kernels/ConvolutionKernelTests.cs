using Microsoft.ML.ResNet.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Tests.Cpu.Kernels;

/// <summary>
/// Each kernel's convolution and gradients, each on its own, against <see cref="ReferenceConvolution"/>: with blocks of memory that end,
/// and that begin, at pages that nobody may touch. On processors without 512-bit vectors the runtime computes them with smaller ones.
/// </summary>
[TestClass]
public unsafe class ConvolutionKernelTests
{
    private const int Images = 3;
    private const long MostProducts = 3_000_000; // of a random shape: the reference takes some nanoseconds for each

    public required TestContext TestContext { get; set; }

    [TestMethod]
    public void Few_images_go_without_tiles()
    {
        var narrow = new ConvolutionShape(Inputs: 64, Outputs: 64, Size: 3, Stride: 1, Height: 8, Width: 8);
        var wide = new ConvolutionShape(Inputs: 512, Outputs: 512, Size: 3, Stride: 1, Height: 4, Width: 4);

        Assert.AreEqual(0, WinogradKernels.BestTileSize(narrow, images: 4)); // 256 pixels
        Assert.AreEqual(4, WinogradKernels.BestTileSize(narrow, images: 5));
        Assert.AreEqual(0, WinogradKernels.BestTileSize(wide, images: 8)); // 128 pixels
        Assert.AreEqual(2, WinogradKernels.BestTileSize(wide, images: 9));
        Assert.AreEqual(4, WinogradKernels.BestTileSize(new(16, 16, 3, 1, 32, 32), images: 2)); // few weights
    }

    [TestMethod]
    [DataRow(16, 16, 3, 1, 32, 32)]
    [DataRow(32, 32, 3, 1, 16, 16)]
    [DataRow(3, 16, 3, 1, 32, 32)] // the stem
    [DataRow(1, 16, 3, 1, 5, 7)]
    [DataRow(16, 32, 3, 2, 32, 32)]
    [DataRow(16, 32, 3, 2, 9, 11)] // odd sizes: the phases differ in length
    [DataRow(16, 32, 1, 2, 8, 8)] // a projection: three of four phases meet no weight
    [DataRow(16, 48, 1, 1, 6, 6)]
    [DataRow(48, 16, 5, 1, 7, 3)]
    [DataRow(16, 16, 7, 2, 10, 13)]
    [DataRow(16, 16, 3, 2, 1, 1)]
    [DataRow(64, 128, 3, 1, 4, 4)] // narrow images: two rows in a tile
    [DataRow(32, 96, 3, 1, 3, 4)]
    [DataRow(32, 80, 3, 1, 5, 3)]
    [DataRow(16, 16, 3, 1, 2, 2)] // one tile of Winograd's
    [DataRow(64, 64, 3, 1, 8, 8)]
    [DataRow(48, 16, 3, 1, 6, 14)] // as many tiles as are no multiple of 16
    [DataRow(16, 80, 3, 1, 26, 10)]
    [DataRow(16, 32, 3, 3, 10, 7)]
    [DataRow(336, 48, 1, 1, 7, 7)] // more inputs than weights of which stay in the first-level cache, in two slices
    [DataRow(112, 16, 3, 1, 7, 7)] // the same, a row of the kernel at a time
    [DataRow(32, 16, 1, 2, 34, 34)] // more pixels than are summed over at once
    [DataRow(16, 32, 3, 1, 33, 31)]
    [DataRow(64, 80, 3, 1, 7, 7)] // many weights, and tiles of Winograd's that hang over
    [DataRow(80, 64, 3, 1, 5, 6)]
    [DataRow(64, 80, 3, 1, 4, 9)]
    [DataRow(128, 80, 3, 1, 20, 33)] // more tiles than are computed at once
    [DataRow(128, 80, 3, 1, 20, 32)] // the same by 2x2, whose gradient of the weights is gathered by elements
    [DataRow(16, 16, 3, 1, 48, 48)] // more tiles of 4x4 than are computed at once
    [DataRow(128, 48, 3, 1, 48, 32)] // the same, with many weights
    [DataRow(112, 96, 3, 1, 6, 6)] // panels of inputs of which the last is narrow
    public void Output_and_gradients_are_those_of_the_definition(int inputs, int outputs, int size, int stride, int height, int width)
    {
        GuardedAllocator.SkipWhereThereIsNone();
        foreach (var below in new[] { false, true })
            using (new AllocatorScope(new GuardedAllocator(below)))
                AssertIsDefinition(new ConvolutionShape(inputs, outputs, size, stride, height, width), seed: 1);
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void Output_and_gradients_of_any_shape_are_those_of_the_definition(int seed)
    {
        GuardedAllocator.SkipWhereThereIsNone();
        var random = new Random(seed);
        for (var round = 0; round < 30;)
        {
            var shape = new ConvolutionShape(Pick(1, 2, 3, 16, 32, 48, 64), Pick(16, 32, 48, 64, 80), Pick(1, 3, 3, 3, 5, 7),
                Pick(1, 1, 2, 3), random.Next(1, 20), random.Next(1, 20));
            if (shape.OutputLength * shape.WeightLength / shape.Outputs * Images > MostProducts)
                continue;
            TestContext.WriteLine($"{shape}");
            foreach (var below in new[] { false, true })
                using (new AllocatorScope(new GuardedAllocator(below)))
                    AssertIsDefinition(shape, seed + round);
            round++;
        }

        int Pick(params int[] values) => values[random.Next(values.Length)];
    }

    [TestMethod]
    [DataRow(2, 4e-7, 8e-7)]
    [DataRow(4, 1.2e-6, 1.2e-6)] // by the usual points, 1 and 2, twice as much
    public void Tiles_of_Winograds_round_little(int tileSize, double outputError, double gradientError)
    {
        var (shape, random) = (new ConvolutionShape(64, 64, 3, 1, 16, 16), new Random(1));
        var (input, weights, gradient) = (Noise(random, Images * shape.InputLength), Noise(random, shape.WeightLength),
            Noise(random, Images * shape.OutputLength));
        var kernel = WinogradKernels.Of(tileSize, shape);

        var output = RelativeError(ReferenceConvolution.Forward(shape, Images, input, weights), Forward(kernel, shape, input, weights));
        var ofWeights = RelativeError(ReferenceConvolution.WeightGradient(shape, Images, input, gradient),
            WeightGradient(kernel, shape, input, gradient));

        TestContext.WriteLine(FormattableString.Invariant($"outputs {output:e1}, gradient of the weights {ofWeights:e1}"));
        Assert.IsLessThan(outputError, output);
        Assert.IsLessThan(gradientError, ofWeights);
    }

    [TestMethod]
    public void Sizes_that_no_int_holds_are_told_as_they_are()
    {
        var shape = new ConvolutionShape(Inputs: 1, Outputs: 1040, Size: 3, Stride: 1, Height: 2048, Width: 2048);
        var kernel = new ConvolutionKernel(shape);

        Assert.AreEqual(1040L * 2048 * 2048, shape.OutputLength);
        Assert.IsGreaterThan(1040L * 2050 * 2050, kernel.PaddedGradientLength);
        Assert.ThrowsExactly<OverflowException>(() => (shape with { Height = int.MaxValue, Width = int.MaxValue }).OutputLength);
    }

    private static void AssertIsDefinition(ConvolutionShape shape, int seed)
    {
        var random = new Random(seed);
        var (input, weights, gradient) = (Noise(random, Images * shape.InputLength), Noise(random, shape.WeightLength),
            Noise(random, Images * shape.OutputLength));
        var output = ReferenceConvolution.Forward(shape, Images, input, weights);
        var inputGradient = ReferenceConvolution.InputGradient(shape, Images, weights, gradient);
        var weightGradient = ReferenceConvolution.WeightGradient(shape, Images, input, gradient);

        foreach (var blockWidth in new[] { 16, 32 }) // either runs on every CPU
        {
            var plain = new ConvolutionKernel(shape, blockWidth);
            AssertIs(plain, blockWidth);
            AssertClose(weightGradient, WeightGradientByBlock(plain, shape, input, gradient), "gradient of the weights, by block");
            AssertIsSameByBlock(plain);
            foreach (var tileSize in new[] { 2, 4 }.Where(size => WinogradKernels.Computes(size, shape)))
            {
                var winograd = WinogradKernels.Of(tileSize, shape, blockWidth);
                AssertIs(winograd, blockWidth);
                var few = WinogradKernels.Of(tileSize, shape, blockWidth, imagesOfShard: 1);
                if (few.GradientIsByBlock)
                    AssertClose(weightGradient, WeightGradientByBlock(few, shape, input, gradient), $"{few}, few tiles: by block");
            }
        }

        // Bit for bit: which way is taken must not be seen in the weights.
        void AssertIsSameByBlock(ConvolutionKernel kernel)
        {
            CollectionAssert.AreEqual(Forward(kernel, shape, input, weights), Forward(kernel, shape, input, weights, byBlock: true));
            if (shape.Inputs % 16 == 0)
                foreach (var adds in new[] { false, true })
                    CollectionAssert.AreEqual(InputGradient(kernel, shape, gradient, weights, adds),
                        InputGradient(kernel, shape, gradient, weights, adds, byBlock: true));
        }

        void AssertIs(ConvolutionKernel kernel, int blockWidth)
        {
            var name = $"{kernel} of {blockWidth}";
            AssertClose(output, Forward(kernel, shape, input, weights), $"{name}: output");
            AssertClose(weightGradient, WeightGradient(kernel, shape, input, gradient), $"{name}: gradient of the weights");
            if (shape.Inputs % 16 != 0)
                return;
            AssertClose(inputGradient, InputGradient(kernel, shape, gradient, weights, adds: false), $"{name}: gradient of the input");
            AssertClose([.. inputGradient.Select(value => value + 1)], InputGradient(kernel, shape, gradient, weights, adds: true),
                $"{name}: gradient of the input, added to 1");
        }
    }

    private static float[] Forward(ConvolutionKernel kernel, ConvolutionShape shape, float[] input, float[] weights, bool byBlock = false)
    {
        using var padded = PaddedInput(kernel, shape, input);
        using var output = new NativeBuffer(Images * shape.OutputLength);
        using var guarded = Guarded(weights);
        using var packed = new NativeBuffer(kernel.PackedLength);
        using var scratch = new NativeBuffer(kernel.ScratchLength);
        for (var block = 0; block < kernel.Blocks; block++)
            if (byBlock)
                kernel.ForwardOfBlock(block, padded.Pointer, guarded.Pointer, output.Pointer, Images, scratch.Pointer);
            else
                kernel.PackForward(block, guarded.Pointer, packed.Pointer, scratch.Pointer);
        if (!byBlock)
            kernel.Forward(padded.Pointer, packed.Pointer, output.Pointer, Images, scratch.Pointer);
        return Values(output);
    }

    private static float[] InputGradient(ConvolutionKernel kernel, ConvolutionShape shape, float[] gradient, float[] weights, bool adds,
        bool byBlock = false)
    {
        using var padded = PaddedGradient(kernel, shape, gradient);
        using var result = new NativeBuffer(Images * shape.InputLength);
        using var guarded = Guarded(weights);
        using var packed = new NativeBuffer(kernel.PackedLength);
        using var scratch = new NativeBuffer(kernel.ScratchLength);
        new Span<float>(result.Pointer, (int)result.Length).Fill(adds ? 1 : float.NaN);
        for (var block = kernel.InputBlocks - 1; block >= 0; block--) // in any order
            if (byBlock)
                kernel.BackwardInputOfBlock(block, padded.Pointer, guarded.Pointer, result.Pointer, Images, adds, scratch.Pointer);
            else
                kernel.PackBackward(block, guarded.Pointer, packed.Pointer, scratch.Pointer);
        if (!byBlock)
            kernel.BackwardInput(padded.Pointer, packed.Pointer, result.Pointer, Images, adds, scratch.Pointer);
        return Values(result);
    }

    private static float[] WeightGradient(ConvolutionKernel kernel, ConvolutionShape shape, float[] input, float[] gradient)
    {
        using var padded = PaddedInput(kernel, shape, input);
        using var paddedGradient = PaddedGradient(kernel, shape, gradient);
        using var scratch = new NativeBuffer(kernel.ScratchLength);
        using var sums = new NativeBuffer(kernel.SumsLength, zeroed: true);
        using var result = new NativeBuffer(shape.WeightLength, zeroed: true);
        kernel.BackwardWeights(padded.Pointer, paddedGradient.Pointer, Images, sums.Pointer, scratch.Pointer);
        kernel.EndBackwardWeights(sums.Pointer);
        for (var block = 0; block < kernel.Blocks; block++)
            kernel.Unpack(block, sums.Pointer + kernel.FirstSum(block), result.Pointer);
        return Values(result);
    }

    private static float[] WeightGradientByBlock(ConvolutionKernel kernel, ConvolutionShape shape, float[] input, float[] gradient)
    {
        using var padded = PaddedInput(kernel, shape, input);
        using var paddedGradient = PaddedGradient(kernel, shape, gradient);
        using var panels = new NativeBuffer(Images * kernel.PanelsLength);
        using var compact = new NativeBuffer(kernel.CompactLength);
        using var sums = new NativeBuffer(kernel.BlockSumsLength);
        using var result = new NativeBuffer(shape.WeightLength, zeroed: true);
        for (var image = 0; image < Images; image++)
            kernel.PackPanels(padded.Pointer + image * kernel.PaddedInputLength, panels.Pointer + image * kernel.PanelsLength);
        for (var block = 0; block < kernel.Blocks; block++)
        {
            kernel.BackwardWeightsOfBlock(block, panels.Pointer, paddedGradient.Pointer, Images, compact.Pointer, sums.Pointer);
            kernel.Unpack(block, sums.Pointer, result.Pointer);
        }
        return Values(result);
    }

    private static NativeBuffer PaddedInput(ConvolutionKernel kernel, ConvolutionShape shape, float[] images)
        => Padded(images, kernel.PaddedInputLength, shape.Height, shape.Width * shape.Inputs, shape.Padding, shape.Padding * shape.Inputs);

    private static NativeBuffer PaddedGradient(ConvolutionKernel kernel, ConvolutionShape shape, float[] images)
        => Padded(images, kernel.PaddedGradientLength, shape.OutputHeight, shape.OutputWidth * shape.Outputs, shape.Padding,
            shape.Padding * shape.Outputs);

    // What is neither image nor border is NaN, and must not matter.
    private static NativeBuffer Padded(float[] images, long length, int rows, int rowLength, int padding, int border)
    {
        var padded = new NativeBuffer(Images * length);
        new Span<float>(padded.Pointer, (int)padded.Length).Fill(float.NaN);
        fixed (float* image = images)
            for (var i = 0; i < Images; i++)
                PaddedImage.Load(image + i * rows * rowLength, padded.Pointer + i * length, rows, rowLength, padding, border);
        return padded;
    }

    private static NativeBuffer Guarded(float[] values)
    {
        var buffer = new NativeBuffer(values.Length);
        values.CopyTo(new Span<float>(buffer.Pointer, values.Length));
        return buffer;
    }

    private static float[] Values(NativeBuffer buffer) => new Span<float>(buffer.Pointer, (int)buffer.Length).ToArray();

    private static float[] Noise(Random random, long length)
        => [.. Enumerable.Range(0, (int)length).Select(_ => random.NextSingle() * 2 - 1)];

    // Root mean square of the differences, over that of what is expected.
    private static double RelativeError(double[] expected, float[] actual)
        => Math.Sqrt(expected.Zip(actual, (a, b) => (a - b) * (a - b)).Sum() / expected.Sum(value => value * value));

    private static void AssertClose(double[] expected, float[] actual, string what)
    {
        Assert.HasCount(expected.Length, actual);
        var tolerance = Math.Max(2e-4, 4e-6 * expected.Max(Math.Abs)); // sums over thousands of pixels are large
        for (var i = 0; i < expected.Length; i++)
            if (!(Math.Abs(expected[i] - actual[i]) <= tolerance)) // true for NaN
                Assert.Fail($"{what}: {actual[i]} instead of {expected[i]} at {i}");
    }
}
