using static TorchSharp.torch;

namespace Microsoft.ML.ResNet;

/// <summary>Mirrors every image left to right with probability one half (He et al. 2015, section 4.2).</summary>
public sealed record HorizontalFlip : Augmentation
{
    /// <inheritdoc/>
    internal override Tensor Apply(Tensor images, Random random)
    {
        using var scope = NewDisposeScope();
        var chosen = tensor(Enumerable.Range(0, (int)images.shape[0]).Select(_ => random.Next(2) == 1).ToArray(), device: images.device);
        return where(chosen.view(-1, 1, 1, 1), images.flip(3), images).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    internal override IEnumerable<string> Problems() => [];

    /// <summary>As <c>flip</c>.</summary>
    public override string ToString() => "flip";
}
