namespace Microsoft.ML.ResNet.Data;

/// <summary>The folder of the temporary file, and the room in it.</summary>
internal static class SpillFolder
{
    private const string OnDisk = "/var/tmp"; // by convention on a disk, where /tmp often is memory

    /// <summary>What to do when the folder will not do.</summary>
    public const string Advice = "Set ImageSpillDirectory to a folder on a disk with room, or raise ImageMemoryBudgetMiB.";

    /// <summary>The system's folder for temporary files, or, where that lies in memory, one that does not.</summary>
    public static string Default => IsMemory(Path.GetTempPath()) && Directory.Exists(OnDisk) && !IsMemory(OnDisk)
        ? OnDisk
        : Path.GetTempPath();

    /// <summary>Free bytes on the disk of a folder; <see langword="null"/> where the system does not tell.</summary>
    public static long? FreeBytes(string folder) => Ask(folder, drive => drive.AvailableFreeSpace, out var bytes) ? bytes : null;

    /// <summary>Checks that a file has room.</summary>
    /// <param name="folder">Where it will be.</param>
    /// <param name="neededBytes">How large it will become.</param>
    /// <param name="freeBytes">How much is free there; <see langword="null"/> if that is not known.</param>
    /// <exception cref="IOException">It has not.</exception>
    public static void CheckRoom(string folder, long neededBytes, long? freeBytes)
    {
        if (neededBytes > freeBytes)
            throw new IOException(
                $"The images need more memory than ImageMemoryBudgetMiB grants, and '{folder}' has no room for them: {neededBytes} bytes "
                + $"are needed, {freeBytes} are free. {Advice}");
    }

    private static bool IsMemory(string folder) => Ask(folder, drive => drive.DriveType, out var type) && type == DriveType.Ram;

    // A drive may be a letter only on Windows, and any folder elsewhere; network shares and missing folders have no answer.
    private static bool Ask<T>(string folder, Func<DriveInfo, T> question, out T? answer)
    {
        try
        {
            answer = question(
                new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(Path.GetFullPath(folder))! : Path.GetFullPath(folder)));
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            answer = default;
            return false;
        }
    }
}
