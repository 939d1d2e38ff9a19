using Microsoft.ML.ResNet.Augmentation;
using TorchSharp;

namespace Microsoft.ML.ResNet;

/// <summary>
/// One random change to a batch of training images. An immutable value; <see cref="object.ToString"/> is how logs print it.
/// </summary>
public abstract record ImageAugmentation
{
    private protected ImageAugmentation()
    {
    }

    /// <summary>Changes a batch.</summary>
    /// <param name="images">Pixels: uint8, (N, C, H, W); not written to.</param>
    /// <param name="context">Where random choices come from, and what else there is to know.</param>
    /// <returns>A tensor of the same type and shape; the caller owns it.</returns>
    internal abstract torch.Tensor Apply(torch.Tensor images, AugmentationContext context);

    /// <summary>Lists what makes this value unusable; empty when nothing does.</summary>
    internal abstract IEnumerable<string> Problems();
}
