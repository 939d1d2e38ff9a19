using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>
/// Batches of images that can be read where they lie, a row of bytes at a time: far cheaper than tensor operations that see single bytes.
/// </summary>
internal static class PlanarBytes
{
    /// <summary>Whether a tensor's images lie as bytes in this machine's memory, plane after plane.</summary>
    /// <param name="images">(N, C, H, W).</param>
    public static bool AreIn(Tensor images) => images.device_type == DeviceType.CPU && images.dtype == ScalarType.Byte
        && images.is_contiguous() && images.numel() is > 0 and <= int.MaxValue;
}
