using TorchSharp;

namespace Microsoft.ML.ResNet;

/// <summary>
/// One random change to a batch of training images. An immutable value; <see cref="object.ToString"/> is how logs print it.
/// </summary>
public abstract record Augmentation
{
    private protected Augmentation()
    {
    }

    /// <summary>Changes a batch.</summary>
    /// <param name="images">Pixels: uint8, (N, C, H, W); not written to.</param>
    /// <param name="random">Where every random choice comes from.</param>
    /// <returns>A tensor of the same type and shape; the caller owns it.</returns>
    internal abstract torch.Tensor Apply(torch.Tensor images, Random random);

    /// <summary>Lists what makes this value unusable; empty when nothing does.</summary>
    internal abstract IEnumerable<string> Problems();
}
