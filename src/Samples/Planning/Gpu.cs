using System.Runtime.InteropServices;

namespace Samples.Planning;

/// <summary>Whether there is a GPU that this build can use, found without loading libtorch.</summary>
internal static class Gpu
{
    /// <summary>Whether the build brings libtorch's CUDA half, and the machine a driver.</summary>
    public static bool IsUsable { get; } = HasCudaBackend() && HasDriver();

    private static bool HasCudaBackend()
        => Directory.EnumerateFiles(AppContext.BaseDirectory, "*torch_cuda*", SearchOption.AllDirectories).Any();

    private static bool HasDriver()
        => NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out _);
}
