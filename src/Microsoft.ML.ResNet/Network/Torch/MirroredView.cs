using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>
/// Flip at test time: a network looks at an image and at its mirror image, and the logits of the two are averaged before softmax. It costs
/// twice the time, and helps where left and right mean nothing (Krizhevsky et al. 2012, section 4.1, averaged the predictions of ten
/// views).
/// </summary>
internal static class MirroredView
{
    /// <summary>Images to logits.</summary>
    /// <param name="network">The network, in evaluation mode.</param>
    /// <param name="images">Normalised images: float32, (N, C, H, W).</param>
    /// <param name="flips">Whether to look at the mirror images too.</param>
    /// <returns>Logits: float32, (N, classes); the caller owns them.</returns>
    public static Tensor Logits(ResidualNetwork network, Tensor images, bool flips)
    {
        if (!flips)
            return network.forward(images);
        using var scope = NewDisposeScope();
        var logits = network.forward(images) + network.forward(images.flip(3));
        return (logits / 2).MoveToOuterDisposeScope();
    }
}
