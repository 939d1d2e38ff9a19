using TorchSharp;

namespace Microsoft.ML.ResNet;

/// <summary>Where a network is trained.</summary>
public enum ComputeDevice
{
    /// <summary>The CUDA device, where there is one and the application brings a CUDA backend; otherwise the CPU.</summary>
    Auto,

    /// <summary>The CPU.</summary>
    Cpu,

    /// <summary>The CUDA device; an error where there is none, unless <c>MLContext.FallbackToCpu</c> is set.</summary>
    Cuda,
}

/// <summary>Turns a wish into a device.</summary>
internal static class ComputeDevices
{
    /// <summary>Chooses the device.</summary>
    /// <param name="wanted">The option.</param>
    /// <param name="gpuIndex"><c>MLContext.GpuDeviceId</c>; <see langword="null"/> is the first, or each rank's own.</param>
    /// <param name="fallbackToCpu"><c>MLContext.FallbackToCpu</c>.</param>
    /// <param name="localRank">Which process of this machine's it is, from 0.</param>
    /// <exception cref="InvalidOperationException">CUDA is wanted and not there, and there is no falling back.</exception>
    public static torch.Device Resolve(ComputeDevice wanted, int? gpuIndex, bool fallbackToCpu, int localRank = 0)
    {
        ResNetRuntime.EnsureStarted();
        if (wanted == ComputeDevice.Cpu)
            return torch.CPU;

        var devices = torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        var index = IndexOf(gpuIndex, localRank, devices);
        if (index >= 0 && index < devices)
            return torch.device($"cuda:{index}");
        if (wanted == ComputeDevice.Auto || fallbackToCpu)
            return torch.CPU;
        throw new InvalidOperationException(devices == 0
            ? "No CUDA device was found. Reference the package TorchSharp-cuda-linux or TorchSharp-cuda-windows and check the driver, or "
                + "set Device to Auto or Cpu."
            : $"CUDA device {index} was asked for (MLContext.GpuDeviceId); this machine has devices 0 to {devices - 1}.");
    }

    /// <summary>The CUDA device of a process: that which is asked for, or the processes of a machine take turns.</summary>
    internal static int IndexOf(int? wanted, int localRank, int devices) => wanted ?? (devices == 0 ? 0 : localRank % devices);
}
