using Microsoft.ML.ResNet.Network.Torch;

namespace Microsoft.ML.ResNet.Tests.Network;

/// <summary>How libtorch is found. What happens without it, <c>build/package-check.sh</c> tells: these tests have one.</summary>
[TestClass]
public class LibTorchLibraryTests
{
    [TestMethod]
    public void Both_libraries_load() => Assert.IsNull(LibTorchLibrary.WhyNotLoaded());

    [TestMethod]
    [DataRow("/home/me/.nuget/packages/torchsharp/0.107.0/lib/net8.0/TorchSharp.dll", true)]
    [DataRow(@"C:\Users\me\.nuget\packages\TorchSharp\0.107.0\lib\net8.0\TorchSharp.dll", true)]
    [DataRow("/home/me/torchsharp/lib/bin/TorchSharp.dll", false)] // which TorchSharp itself would take for one
    [DataRow("/app/TorchSharp.dll", false)]
    [DataRow("", false)] // in a single-file application
    public void Only_a_package_cache_is_left_to_TorchSharp(string assembly, bool expected)
        => Assert.AreEqual(expected, LibTorchLibrary.IsInPackageCache(assembly));
}
