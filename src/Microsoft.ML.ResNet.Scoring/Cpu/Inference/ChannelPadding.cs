using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// The shortcut without weights: every <c>stride</c>-th pixel, and channels of zeros, half of them before and half behind.
/// </summary>
/// <param name="input">Read.</param>
/// <param name="output">Written.</param>
/// <param name="stride">Step, in pixels.</param>
internal sealed unsafe class ChannelPadding(FeatureMap input, FeatureMap output, int stride) : InferenceLayer
{
    /// <inheritdoc/>
    public override int Shards(int images) => images;

    /// <inheritdoc/>
    public override void Run(Workspace workspace, int images, int first, int end)
    {
        for (var image = first; image < end; image++)
            RunImage(workspace[input] + (nint)image * input.Layout.ImageStride,
                workspace[output] + (nint)image * output.Layout.ImageStride);
        GC.KeepAlive(workspace);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunImage(float* source, float* target)
    {
        var (from, to) = (input.Layout, output.Layout);
        var before = (to.Shape.Channels - from.Shape.Channels) / 2;
        for (var y = 0; y < to.Shape.Height; y++)
            for (var x = 0; x < to.Shape.Width; x++)
                for (var channel = 0; channel < to.Blocks * to.BlockChannels; channel++)
                    target[to.Offset(channel, y, x)] = channel >= before && channel < before + from.Shape.Channels
                        ? source[from.Offset(channel - before, y * stride, x * stride)]
                        : 0; // the map holds what the batch before left, beyond its last channel too
    }
}
