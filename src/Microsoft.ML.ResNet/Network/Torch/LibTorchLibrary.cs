using System.Runtime.InteropServices;
using TorchSharp;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>Loads libtorch and TorchSharp's own native library, or tells why that cannot be done.</summary>
internal static class LibTorchLibrary
{
    private static readonly string[] Libraries = ["torch_cpu", "LibTorchSharp"]; // the second needs the first

    /// <summary>The version of TorchSharp, which the package of the backend must have too.</summary>
    public static string? TorchSharpVersion => typeof(torch).Assembly.GetName().Version?.ToString(3);

    /// <summary>Loads both libraries, from where .NET and the system look for them.</summary>
    /// <returns>What is missing or broken, and what to do; <see langword="null"/> when both are loaded.</returns>
    public static string? WhyNotLoaded()
    {
        if (IsInPackageCache(typeof(torch).Assembly.Location))
            return null; // a notebook or a script: there TorchSharp itself collects the libraries from their packages
        var failed = Libraries.Where(name => !NativeLibrary.TryLoad(name, typeof(torch).Assembly, null, out _)).ToList();
        if (!failed.Contains(Libraries[^1]))
            return null;
        if (FindFile(Libraries[0]) is not null)
            return Libraries.Select(FindFile).OfType<string>().Select(WhyBroken).FirstOrDefault(reason => reason is not null);
        var foreign = failed.Contains(Libraries[0]) ? "" : " The libtorch that this system has elsewhere is of another version.";
        return $"The native library libtorch was not found for {RuntimeInformation.RuntimeIdentifier}. Add one backend to the application: "
            + "the package TorchSharp-cpu, or TorchSharp-cuda-linux or TorchSharp-cuda-windows for a GPU, in the version of TorchSharp "
            + $"({TorchSharpVersion}).{foreign}";
    }

    /// <summary>Whether TorchSharp is used as a package cache holds it: <c>torchsharp/VERSION/lib/FRAMEWORK/TorchSharp.dll</c>.</summary>
    public static bool IsInPackageCache(string assembly) => assembly.Split('/', '\\') is [.., var package, _, "lib", _, _]
        && package.Equals("torchsharp", StringComparison.OrdinalIgnoreCase);

    // The folders of the application and its packages, as the host tells them.
    private static string? FindFile(string library) => (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Append(AppContext.BaseDirectory)
        .Select(folder => Path.Combine(folder, FileName(library))).FirstOrDefault(File.Exists);

    private static string FileName(string library) => OperatingSystem.IsWindows() ? $"{library}.dll"
        : OperatingSystem.IsMacOS() ? $"lib{library}.dylib"
        : $"lib{library}.so";

    private static string? WhyBroken(string file)
    {
        try
        {
            NativeLibrary.Load(file);
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            var theirs = e.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^1];
            var isShortOfMemory = theirs.Contains("map segment", StringComparison.OrdinalIgnoreCase)
                || theirs.Contains("memory", StringComparison.OrdinalIgnoreCase);
            var advice = isShortOfMemory
                ? "Give the process more memory or address space (ulimit -v)."
                : "Install or update what that names, or restore the package of the backend again, in the version of TorchSharp "
                    + $"({TorchSharpVersion}).";
            return $"The native library '{file}' is there but cannot be loaded: {theirs.TrimEnd('.')}. {advice}";
        }
    }
}
