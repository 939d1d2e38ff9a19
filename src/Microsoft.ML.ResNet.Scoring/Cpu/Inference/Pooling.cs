using System.Numerics;
using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>3x3 max pooling of stride 2. Comes after ReLU, so the border's zeros never win over a pixel.</summary>
/// <param name="input">Read.</param>
/// <param name="output">Written.</param>
internal sealed unsafe class MaxPool(FeatureMap input, FeatureMap output) : InferenceLayer
{
    /// <inheritdoc/>
    public override int Shards(int images) => checked(images * output.Layout.Blocks);

    /// <inheritdoc/>
    public override void Run(Workspace workspace, int images, int first, int end)
    {
        for (nint block = first; block < end; block++)
            RunBlock(workspace[input] + block * input.Layout.BlockStride,
                workspace[output] + block * output.Layout.BlockStride);
        GC.KeepAlive(workspace);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunBlock(float* source, float* target)
    {
        var (height, width) = (output.Layout.Shape.Height, output.Layout.Shape.Width);
        nint sourceRow = input.Layout.RowStride, targetRow = output.Layout.RowStride;
        source += input.Layout.Offset(-1, -1);
        target += output.Layout.Offset(0, 0);
        for (var y = 0; y < height; y++, source += 2 * sourceRow, target += targetRow)
            for (nint i = 0; i < (nint)width * MapLayout.FullBlock; i += Vector<float>.Count)
            {
                // a pixel is a block of channels, and the window of the next begins two pixels further
                var window = source + i + i / MapLayout.FullBlock * MapLayout.FullBlock;
                var max = Vector.Max(Row(window), Row(window + sourceRow));
                Vector.Max(max, Row(window + 2 * sourceRow)).Store(target + i);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Row(float* window)
        => Vector.Max(Vector.Max(Vector.Load(window), Vector.Load(window + MapLayout.FullBlock)),
            Vector.Load(window + 2 * MapLayout.FullBlock));
}

/// <summary>The mean of every channel.</summary>
/// <param name="input">Read.</param>
/// <param name="output">Written; one pixel without border.</param>
internal sealed unsafe class AveragePool(FeatureMap input, FeatureMap output) : InferenceLayer
{
    /// <inheritdoc/>
    public override int Shards(int images) => checked(images * output.Layout.Blocks);

    /// <inheritdoc/>
    public override void Run(Workspace workspace, int images, int first, int end)
    {
        for (nint block = first; block < end; block++)
            for (var channel = 0; channel < MapLayout.FullBlock; channel += Vector<float>.Count)
                Mean(workspace[input] + block * input.Layout.BlockStride + channel)
                    .Store(workspace[output] + block * output.Layout.BlockStride + channel);
        GC.KeepAlive(workspace);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Vector<float> Mean(float* source)
    {
        var sum = Vector<float>.Zero;
        for (var y = 0; y < input.Layout.Shape.Height; y++)
            for (var x = 0; x < input.Layout.Shape.Width; x++)
                sum += Vector.Load(source + input.Layout.Offset(y, x));
        return sum / new Vector<float>(input.Layout.Shape.PlaneSize);
    }
}
