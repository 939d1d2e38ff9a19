using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>
/// Channels-last memory: an N x C x H x W tensor whose channels lie side by side in memory. oneDNN's convolutions are faster on it
/// (docs/adr/0006). TorchSharp has no <c>memory_format</c>, but a permuted contiguous copy is exactly that layout.
/// </summary>
internal static class ChannelsLast
{
    /// <summary>
    /// The same values in channels-last memory: a tensor of its own, which shares memory with <paramref name="images"/> only if
    /// they lie so already.
    /// </summary>
    public static Tensor ToChannelsLast(this Tensor images)
    {
        using var permuted = images.permute(0, 2, 3, 1);
        using var packed = permuted.contiguous();
        return packed.permute(0, 3, 1, 2);
    }
}
