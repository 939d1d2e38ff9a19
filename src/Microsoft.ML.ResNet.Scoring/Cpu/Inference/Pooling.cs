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
        for (var y = 0; y < output.Layout.Shape.Height; y++)
            for (var x = 0; x < output.Layout.Shape.Width; x++)
                for (var channel = 0; channel < MapLayout.FullBlock; channel += Vector<float>.Count)
                    Max(source + input.Layout.Offset(2 * y - 1, 2 * x - 1) + channel).Store(target + output.Layout.Offset(y, x) + channel);
    }

    private Vector<float> Max(float* window)
    {
        var max = Vector<float>.Zero;
        for (var row = 0; row < 3; row++)
            for (var column = 0; column < 3; column++)
                max = Vector.Max(max, Vector.Load(window + row * input.Layout.RowStride + column * MapLayout.FullBlock));
        return max;
    }
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
