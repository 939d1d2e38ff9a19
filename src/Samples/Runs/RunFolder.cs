using Samples.CommandLine;

namespace Samples.Runs;

/// <summary>The folder that a training leaves: <c>runs/NAME</c> with the model, the options, the history and the report.</summary>
internal sealed class RunFolder
{
    /// <summary>The folder of all runs, in the working directory.</summary>
    public const string Root = "runs";

    private RunFolder(string path) => Path = path;

    /// <summary>Its full path.</summary>
    public string Path { get; }

    /// <summary>The model.</summary>
    public string Model => System.IO.Path.Combine(Path, "model.zip");

    /// <summary>The options, for <c>--config</c>.</summary>
    public string Options => System.IO.Path.Combine(Path, "options.json");

    /// <summary>A line for each epoch.</summary>
    public string History => System.IO.Path.Combine(Path, "history.csv");

    /// <summary>The page that shows how good the model is.</summary>
    public string Report => System.IO.Path.Combine(Path, "report.html");

    /// <summary>Makes a new folder, beside those that are there: nothing is overwritten.</summary>
    /// <param name="name">What it should be called, or <see langword="null"/> for a name made of the data's and the time.</param>
    /// <param name="data">The path of the data.</param>
    /// <param name="time">When.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static RunFolder Create(string? name, string data, DateTime time)
    {
        var root = System.IO.Path.GetFullPath(Root);
        if (File.Exists(root))
            throw new IOException($"'{root}' is a file; expected a folder for what training leaves. Name the model alone by --output.");
        Directory.CreateDirectory(root);
        name ??= $"{NameOf(data)}-{time:yyyyMMdd-HHmmss}";
        if (name.IndexOfAny(System.IO.Path.GetInvalidFileNameChars()) >= 0 || name is "." or "..")
            throw new IOException($"--run is '{name}'; expected the name of a new folder in '{root}'.");
        for (var number = 1; ; number++)
        {
            var path = System.IO.Path.Combine(root, number == 1 ? name : $"{name}-{number}");
            if (Directory.Exists(path) || File.Exists(path))
                continue;
            Directory.CreateDirectory(path);
            OutputFile.Writable(System.IO.Path.Combine(path, "model.zip"));
            return new(path);
        }
    }

    /// <summary>What a folder of data is called in names of folders.</summary>
    public static string NameOf(string data)
    {
        var name = System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(data));
        var dot = name.IndexOf('.', 1);
        var stem = new string([.. (dot > 0 ? name[..dot] : name).Select(letter => char.IsLetterOrDigit(letter) || letter is '-' or '_'
            ? letter
            : '-')]);
        return stem.Length == 0 ? "run" : stem;
    }
}
