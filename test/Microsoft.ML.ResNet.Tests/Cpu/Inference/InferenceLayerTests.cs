using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Cpu.Inference;
using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tests.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Tests.Cpu.Inference;

/// <summary>
/// The layers that score, with each kernel, against plain loops in double: in blocks of memory that end, and that begin, at pages that
/// nobody may touch. Kernels for vectors that this processor has not are computed by the runtime with smaller ones.
/// </summary>
[TestClass]
public unsafe class InferenceLayerTests
{
    private const int Images = 3;
    private const double Tolerance = 1e-4;

    public required TestContext TestContext { get; set; }

    private static TileKernel[] Kernels =>
        [new Avx2TileKernel(), new Avx512TileKernel(), new PortableTileKernel(true), new PortableTileKernel(false), new ScalarTileKernel()];

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void Convolutions_of_any_shape_are_those_of_the_definition(int seed)
    {
        GuardedAllocator.SkipWhereThereIsNone();
        var random = new Random(seed);
        for (var round = 0; round < 40;)
        {
            var shape = new ConvolutionShape(Pick(1, 3, 16, 17, 32, 40, 64), Pick(5, 16, 31, 32, 48, 80), Pick(1, 3, 3, 3, 5, 7),
                Pick(1, 1, 2, 3), random.Next(1, 20), random.Next(1, 20));
            if (shape.OutputLength * shape.WeightLength / shape.Outputs * Images > 2_000_000)
                continue;
            var (adds, rectifies) = (random.Next(2) == 0, random.Next(2) == 0);
            TestContext.WriteLine($"{shape}, adds {adds}, rectifies {rectifies}");
            foreach (var below in new[] { false, true })
                using (new AllocatorScope(new GuardedAllocator(below)))
                    AssertIsDefinition(shape, adds, rectifies, seed + round);
            round++;
        }

        int Pick(params int[] values) => values[random.Next(values.Length)];
    }

    [TestMethod]
    [DataRow(16, 16, 16, 16)]
    [DataRow(17, 31, 4, 4)] // fewer tiles than kernels compute at once
    [DataRow(40, 48, 8, 12)]
    [DataRow(32, 80, 20, 8)]
    [DataRow(64, 32, 24, 20)] // more than are computed at a time
    public void Tiles_of_Winograds_convolutions_are_those_of_the_definition(int inputs, int outputs, int height, int width)
    {
        GuardedAllocator.SkipWhereThereIsNone();
        var shape = new ConvolutionShape(inputs, outputs, 3, 1, height, width);
        foreach (var (below, adds, rectifies) in new[] { (false, false, true), (true, true, false), (false, true, true) })
            using (new AllocatorScope(new GuardedAllocator(below)))
                Assert.AreEqual(2, AssertIsDefinition(shape, adds, rectifies, seed: 5), "sizes of tiles");
    }

    [TestMethod]
    [DataRow(1, false)]
    [DataRow(1, true)]
    [DataRow(3, false)]
    [DataRow(3, true)]
    public void Convolutions_whose_weights_come_in_parts_are_those_of_the_definition(int kernel, bool adds)
    {
        GuardedAllocator.SkipWhereThereIsNone();
        using var scope = new AllocatorScope(new GuardedAllocator(below: false));
        AssertIsDefinition(new ConvolutionShape(kernel == 1 ? 1100 : 272, 48, kernel, 1, 3, 5), adds, rectifies: !adds, seed: 3);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Pooling_and_padding_are_those_of_the_definition(bool below)
    {
        GuardedAllocator.SkipWhereThereIsNone();
        using var scope = new AllocatorScope(new GuardedAllocator(below));
        foreach (var (channels, height, width) in new[] { (16, 1, 1), (5, 7, 4), (40, 8, 9), (33, 2, 3) })
        {
            var shape = new ImageShape(channels, height, width);
            var half = new ImageShape(channels, (height + 1) / 2, (width + 1) / 2);
            var random = new Random(height);
            var input = Array.ConvertAll(Noise(random, Images * shape.Size), Math.Abs); // pooling comes after ReLU

            var pooled = Run(MapLayout.Inner(shape), MapLayout.Inner(half), input, null, (x, y) => new MaxPool(x, y));
            AssertEach(half, pooled, (image, y, x, c) => (from row in Enumerable.Range(2 * y - 1, 3)
                                                          from column in Enumerable.Range(2 * x - 1, 3)
                                                          where row >= 0 && row < height && column >= 0 && column < width
                                                          select Value(image, row, column, c)).Max());

            var one = new ImageShape(channels, 1, 1);
            var mean = Run(MapLayout.Inner(shape), new MapLayout(one, Border: 0, MapLayout.FullBlock), input, null,
                (x, y) => new AveragePool(x, y));
            AssertEach(one, mean, (image, _, _, c) => Enumerable.Range(0, height * width)
                .Average(pixel => Value(image, pixel / width, pixel % width, c)));

            var wide = half with { Channels = 2 * channels };
            var extended = Run(MapLayout.Inner(shape), MapLayout.Inner(wide), input, Noise(random, Images * wide.Size),
                (x, y) => new ChannelPadding(x, y, stride: 2));
            AssertEach(wide, extended, (image, y, x, c) => c - channels / 2 >= 0 && c - channels / 2 < channels
                ? Value(image, 2 * y, 2 * x, c - channels / 2)
                : 0);

            double Value(int image, int y, int x, int c) => input[((image * height + y) * width + x) * channels + c];
        }
    }

    [TestMethod]
    public void Pooling_keeps_what_is_no_number()
    {
        var shape = new ImageShape(16, 4, 4);
        var input = new float[Images * shape.Size];
        input[5] = float.NaN; // the corner's channel 5

        var most = Run(MapLayout.Inner(shape), MapLayout.Inner(new ImageShape(16, 2, 2)), input, null, (x, y) => new MaxPool(x, y));
        var mean = Run(MapLayout.Inner(shape), new MapLayout(new ImageShape(16, 1, 1), Border: 0, MapLayout.FullBlock), input, null,
            (x, y) => new AveragePool(x, y));

        Assert.AreEqual(5, Array.FindIndex(most, float.IsNaN));
        Assert.AreEqual(1, most.Count(float.IsNaN));
        Assert.AreEqual(5, Array.FindIndex(mean, float.IsNaN));
        Assert.AreEqual(1, mean.Count(float.IsNaN));
    }

    [TestMethod]
    public void Maps_that_no_int_holds_have_the_sizes_that_they_have()
    {
        var layout = new MapLayout(new ImageShape(1040, 2048, 2048), Border: 1, MapLayout.FullBlock);

        Assert.AreEqual(65L * 16 * 2050 * 2050, layout.ImageStride);
        Assert.AreEqual(64L * 16 * 2050 * 2050 + 2049L * 2050 * 16 + 2049 * 16 + 15, layout.Offset(channel: 1039, 2048, 2048));
    }

    // Returns how many sizes of Winograd's tiles there were.
    private static int AssertIsDefinition(ConvolutionShape shape, bool adds, bool rectifies, int seed)
    {
        var tileSizes = 0;
        var random = new Random(seed);
        var (input, weights, before) = (Noise(random, Images * shape.InputLength), Noise(random, shape.WeightLength),
            Noise(random, Images * shape.OutputLength));
        var bias = random.Next(4) == 0 ? null : Noise(random, shape.Outputs);
        var expected = ReferenceConvolution.Forward(shape, Images, input, weights);
        for (var i = 0; i < expected.Length; i++)
        {
            expected[i] += (bias?[i % shape.Outputs] ?? 0) + (adds ? before[i] : 0);
            if (rectifies)
                expected[i] = Math.Max(0, expected[i]);
        }
        var folded = Folded(shape, weights, bias);
        var from = new MapLayout(new ImageShape(shape.Inputs, shape.Height, shape.Width), shape.Padding,
            Math.Min(shape.Inputs, MapLayout.FullBlock));
        var to = MapLayout.Inner(new ImageShape(shape.Outputs, shape.OutputHeight, shape.OutputWidth));
        foreach (var kernel in Kernels)
        {
            AssertClose(expected, Run(from, to, input, before, (x, y)
                => Packed(folded, new DirectConvolution(kernel, folded, shape.Stride, x, y)
                { Accumulates = adds, Rectifies = rectifies })));
            if (from.BlockChannels != MapLayout.FullBlock || shape.Size != 3 || shape.Stride != 1)
                continue;
            tileSizes = AssertWinograd<Winograd2x2>(kernel) + AssertWinograd<Winograd4x4>(kernel);
        }
        return tileSizes;

        int AssertWinograd<TTransforms>(TileKernel kernel)
            where TTransforms : struct, IWinogradTransforms
        {
            if (!WinogradConvolution<TTransforms>.Covers(from.Shape))
                return 0;
            AssertClose(expected, Run(from, to, input, before, (x, y) => Packed(folded,
                new WinogradConvolution<TTransforms>(kernel, folded, x, y) { Accumulates = adds, Rectifies = rectifies })));
            return 1;
        }
    }

    // Runs a layer in shards of three sizes; images are channels-last.
    private static float[] Run(MapLayout from, MapLayout to, float[] input, float[]? before,
        Func<FeatureMap, FeatureMap, InferenceLayer> create)
    {
        FeatureMap[] maps = [new(0, from), new(1, to)];
        using var layer = create(maps[0], maps[1]);
        using var workspace = new Workspace(maps, Images);
        ForEach(from, (map, i) => workspace[maps[0]][map] = input[i]);
        if (before is not null)
            ForEach(to, (map, i) => workspace[maps[1]][map] = before[i]);
        var all = layer.Shards(Images);
        foreach (var (first, end) in new[] { (all / 2, all), (0, all / 3), (all / 3, all / 2) })
            if (first < end)
                layer.Run(workspace, Images, first, end);
        var output = new float[Images * to.Shape.Size];
        ForEach(to, (map, i) => output[i] = workspace[maps[1]][map]);
        AssertBorderIsZero(to, workspace[maps[1]]);
        return output;
    }

    private static void ForEach(MapLayout layout, Action<nint, int> action)
    {
        var (i, shape) = (0, layout.Shape);
        for (var image = 0; image < Images; image++)
            for (var y = 0; y < shape.Height; y++)
                for (var x = 0; x < shape.Width; x++)
                    for (var channel = 0; channel < shape.Channels; channel++)
                        action(image * layout.ImageStride + layout.Offset(channel, y, x), i++);
    }

    private static void AssertBorderIsZero(MapLayout layout, float* map)
    {
        for (var image = 0; image < Images; image++)
            for (var x = -layout.Border; x < layout.Shape.Width + layout.Border && layout.Border > 0; x++)
                foreach (var y in new[] { -1, layout.Shape.Height })
                    Assert.AreEqual(0f, map[image * layout.ImageStride + layout.Offset(y, x)]);
    }

    // In an order that nobody would choose.
    private static ConvolutionLayer Packed(FoldedConvolution weights, ConvolutionLayer layer)
    {
        for (var piece = layer.Pieces - 1; piece >= 0; piece--)
            layer.Pack(weights, piece);
        return layer;
    }

    private static FoldedConvolution Folded(ConvolutionShape shape, float[] weights, float[]? bias)
    {
        var (planar, area) = (new float[weights.Length], shape.Size * shape.Size); // outputs x inputs x size x size
        for (var i = 0; i < planar.Length; i++)
            planar[i] = weights[(i / (shape.Inputs * area) * area + i % area) * shape.Inputs + i / area % shape.Inputs];
        return new FoldedConvolution(MemoryMarshal.AsBytes<float>(planar).ToArray(), [shape.Outputs, shape.Inputs, shape.Size, shape.Size],
            bias is null ? null : (ReadOnlyMemory<byte>?)MemoryMarshal.AsBytes<float>(bias).ToArray());
    }

    private static float[] Noise(Random random, long length)
        => [.. Enumerable.Range(0, (int)length).Select(_ => random.NextSingle() * 2 - 1)];

    private static void AssertEach(ImageShape shape, float[] actual, Func<int, int, int, int, double> expected)
        => AssertClose([.. from image in Enumerable.Range(0, Images)
                           from y in Enumerable.Range(0, shape.Height)
                           from x in Enumerable.Range(0, shape.Width)
                           from channel in Enumerable.Range(0, shape.Channels)
                           select expected(image, y, x, channel)], actual);

    private static void AssertClose(double[] expected, float[] actual)
    {
        Assert.HasCount(expected.Length, actual);
        for (var i = 0; i < expected.Length; i++)
            if (!(Math.Abs(expected[i] - actual[i]) <= Tolerance)) // true for NaN
                Assert.Fail($"{actual[i]} instead of {expected[i]} at {i}");
    }
}
