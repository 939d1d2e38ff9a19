using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Foundation;

/// <summary>
/// Pages of 2 MiB for large blocks: Linux gives memory when it is first written to, 4 KiB at a time, which takes longer than to fill it.
/// Advice that the system may follow or not; elsewhere, nothing.
/// </summary>
internal static unsafe partial class LargePages
{
    /// <summary>The size of a large page, in bytes, and what its address is a multiple of.</summary>
    public const int Size = 2 << 20;

    private const int HugePage = 14; // MADV_HUGEPAGE

    /// <summary>Asks for large pages wherever whole ones fit.</summary>
    /// <param name="memory">The block; not written to yet.</param>
    /// <param name="bytes">Its length.</param>
    public static void Advise(void* memory, nuint bytes)
    {
        if (!OperatingSystem.IsLinux() || bytes < Size)
            return;
        var first = ((nuint)memory + Size - 1) / Size * Size;
        var end = ((nuint)memory + bytes) / Size * Size;
        if (first < end)
            _ = Advise((void*)first, end - first, HugePage);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(void* address, nuint length, int advice);
}
