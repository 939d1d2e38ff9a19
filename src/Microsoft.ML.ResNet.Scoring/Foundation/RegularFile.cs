using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Microsoft.ML.ResNet.Foundation;

/// <summary>
/// Opens files that have a content of their own. Opening a pipe the usual way waits, perhaps for ever, for somebody who writes into it.
/// </summary>
internal static partial class RegularFile
{
    /// <summary>What is found where this cannot open, for messages.</summary>
    public const string FoundOther = "a pipe, a socket or a device";

    private const int NoSuchDevice = 6; // ENXIO: the path is a socket

    /// <summary>Whether a path leads to a file, which then can be opened the usual way.</summary>
    /// <inheritdoc cref="TryOpen"/>
    public static bool Is(string path)
    {
        using var file = TryOpen(path, out _);
        return file is not null;
    }

    /// <summary>The length of a file, or of the file behind a link, in bytes; 0 where the path leads to something else.</summary>
    /// <inheritdoc cref="TryOpen"/>
    public static long LengthOf(string path)
    {
        using var file = TryOpen(path, out var length);
        return length;
    }

    /// <summary>Opens a file, or the file behind a link. Errors of the handle do not name the path: that is the caller's to do.</summary>
    /// <param name="path">The path.</param>
    /// <param name="length">The file's length, in bytes.</param>
    /// <returns>The file, or <see langword="null"/> where the path leads to something else.</returns>
    /// <exception cref="IOException">The file is not there or cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static SafeFileHandle? TryOpen(string path, out long length)
    {
        length = 0;
        if (OpenWithoutWaiting(path) is not { } file)
            return null;
        try
        {
            length = RandomAccess.GetLength(file);
            return file;
        }
        catch (Exception e)
        {
            file.Dispose();
            if (e is not NotSupportedException) // that is: a pipe or a device, which has no places to read at
                throw;
            return null;
        }
    }

    private static SafeFileHandle? OpenWithoutWaiting(string path)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS())
            return File.OpenHandle(path, share: FileShare.Read | FileShare.Delete);
        // O_RDONLY is 0, then O_NONBLOCK and O_CLOEXEC, which have no effect on how a regular file is read
        var flags = OperatingSystem.IsLinux() ? 0x800 | 0x80000 : 0x4 | 0x1000000;
        var descriptor = Open(path, flags);
        if (descriptor >= 0)
            return new SafeFileHandle(descriptor, ownsHandle: true);
        return Marshal.GetLastPInvokeError() == NoSuchDevice ? null : File.OpenHandle(path); // which says in .NET's words what is wrong
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);
}
