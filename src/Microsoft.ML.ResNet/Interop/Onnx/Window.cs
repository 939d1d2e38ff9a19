using Microsoft.ML.ResNet.Interop.Onnx.Schema;

namespace Microsoft.ML.ResNet.Interop.Onnx;

/// <summary>The window that a convolution or a pooling moves over a map: its size, its step, and how far it passes the edges.</summary>
internal static class Window
{
    /// <summary>
    /// Checks that a node computes what PyTorch does with padding of half a kernel: the same windows, whatever the padding at the far edges
    /// is called. CNTK leaves out what no window reaches ([1, 1, 0, 0] for an even side and a step of 2).
    /// </summary>
    /// <param name="node">The node.</param>
    /// <param name="x">What it reads.</param>
    /// <param name="kernel">Height and width of the window, odd.</param>
    /// <param name="stride">The step, in pixels.</param>
    /// <returns>What it makes.</returns>
    public static FeatureMap Over(this NodeProto node, FeatureMap x, int kernel, out int stride)
    {
        if (node.Integers("kernel_shape") is { } shape && !shape.SequenceEqual([kernel, kernel]))
            throw node.Expected($"a window of {kernel}x{kernel}", string.Join('x', shape.Take(4)));
        if (node.Integers("dilations") is { } dilations && dilations.Any(dilation => dilation != 1))
            throw node.Expected("no dilation", $"one of {string.Join(", ", dilations.Take(4))}");
        var strides = node.Integers("strides") ?? [1, 1];
        if (strides is not [>= 1 and <= 64 and var down, var right] || down != right)
            throw node.Expected("the same step of 1 to 64 pixels in both directions", $"[{string.Join(", ", strides.Take(4))}]");
        stride = (int)down;
        return new FeatureMap(node.Result(), Side(node, x.Height, kernel, stride, axis: 0), Side(node, x.Width, kernel, stride, axis: 1));
    }

    private static long? Side(NodeProto node, long? side, int kernel, int stride, int axis)
    {
        var half = kernel / 2;
        var (before, after) = Padding(node, side, kernel, stride, axis);
        var isSame = side is { } known ? Count(known + before + after, kernel, stride, node.Integer("ceil_mode", 0) != 0)
            == Count(known + 2 * half, kernel, stride, roundsUp: false) : after == half;
        return before == half && isSame
            ? side + 2 * half is { } padded ? Count(padded, kernel, stride, roundsUp: false) : null
            : throw node.Expected($"padding of {half} pixels on every side, or less where no window reaches",
                $"{before} before and {after} behind{(side is null ? ", for images of any size" : $" {side} pixels")}");
    }

    private static (long Before, long After) Padding(NodeProto node, long? side, int kernel, int stride, int axis)
    {
        var automatic = node.Text("auto_pad", "NOTSET");
        if (automatic == "VALID")
            return (0, 0);
        if (automatic is "SAME_UPPER" or "SAME_LOWER" && side is { } known)
        {
            var total = Math.Max(0, ((known + stride - 1) / stride - 1) * stride + kernel - known);
            var less = total / 2;
            return automatic == "SAME_UPPER" ? (less, total - less) : (total - less, less);
        }
        var pads = automatic is "NOTSET" ? node.Integers("pads") ?? [0, 0, 0, 0]
            : throw node.Expected("padding by numbers", automatic.Length > 20 ? "another" : automatic);
        return pads is [>= 0 and <= 64, >= 0 and <= 64, >= 0 and <= 64, >= 0 and <= 64] ? (pads[axis], pads[axis + 2])
            : throw node.Expected("four numbers of padding from 0 to 64", $"[{string.Join(", ", pads.Take(6))}]");
    }

    private static long Count(long padded, int kernel, int stride, bool roundsUp)
        => (padded - kernel + (roundsUp ? stride - 1 : 0)) / stride + 1;
}
