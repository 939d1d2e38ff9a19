using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>Tensors on their way from the memory of the machine to a device.</summary>
internal static class DeviceTransfer
{
    /// <summary>
    /// Sends values to a device, from pinned memory, so that nobody waits: what is asked of the device next is done after their arrival.
    /// </summary>
    /// <param name="values">In the memory of the machine; taken over.</param>
    /// <param name="device">Where to; the CPU gets the values themselves.</param>
    /// <returns>The values on the device; the caller owns them.</returns>
    public static Tensor SentTo(this Tensor values, Device device)
    {
        if (device.type == DeviceType.CPU)
            return values;
        using (values)
        {
            using var pinned = values.pin_memory(); // libtorch keeps the memory until the copy is done
            return pinned.to(device, non_blocking: true);
        }
    }
}
