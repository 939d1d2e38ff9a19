namespace Microsoft.ML.ResNet.Fuzzing;

/// <summary>A folder for readers that read files; below <c>TMPDIR</c>, which is best in memory.</summary>
internal static class Scratch
{
    private static readonly Lazy<string> Folder = new(() =>
    {
        var folder = Directory.CreateTempSubdirectory("fuzz-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        return folder;
    });

    /// <summary>A folder of its own.</summary>
    public static string NewFolder(string name) => Directory.CreateDirectory(Path.Combine(Folder.Value, name)).FullName;

    /// <summary>A file with a content.</summary>
    public static string File(string name, ReadOnlySpan<byte> content)
    {
        var path = Path.Combine(Folder.Value, name);
        System.IO.File.WriteAllBytes(path, content);
        return path;
    }
}
