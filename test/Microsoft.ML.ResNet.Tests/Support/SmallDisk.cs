using System.Diagnostics;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>A disk of some KiB, in memory, that is soon full. Where nobody may mount one, the test is inconclusive.</summary>
internal sealed class SmallDisk : IDisposable
{
    private SmallDisk(string path) => Path = path;

    /// <summary>Where it is mounted.</summary>
    public string Path { get; }

    /// <summary>Mounts one.</summary>
    /// <param name="path">Where; the folder is made.</param>
    /// <param name="kibibytes">Its size.</param>
    public static SmallDisk Mount(string path, int kibibytes)
    {
        Directory.CreateDirectory(path);
        if (!OperatingSystem.IsLinux() || Run("mount", "-t", "tmpfs", "-o", $"size={kibibytes}k", "tmpfs", path) is not 0)
            Assert.Inconclusive("Nobody but root on Linux may mount a small disk here.");
        return new(path);
    }

    public void Dispose() => Run("umount", Path);

    private static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }
}
