using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Samples.CommandLine;

namespace Samples.Studies;

/// <summary>
/// The folder of a study: <c>cells/NAME</c> for each training, with its model, its history, its checkpoints and <c>origin.json</c> while it
/// lasts, and <c>result.json</c> from the moment on when it is finished; and the study's page, plots and CSV file.
/// </summary>
internal sealed partial class StudyFolder : IDisposable
{
    private readonly FileStream _lock;

    /// <summary>Opens a folder, or makes it, for one study at a time.</summary>
    /// <exception cref="IOException">Another study is using it, or it cannot be made.</exception>
    public StudyFolder(string path)
    {
        Path = System.IO.Path.GetFullPath(path);
        if (File.Exists(Path))
            throw new IOException($"'{Path}' is a file; expected a folder for the study.");
        Directory.CreateDirectory(Path);
        try
        {
            _lock = new FileStream(In("study.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1,
                FileOptions.DeleteOnClose);
        }
        catch (IOException exception)
        {
            throw new IOException($"'{Path}' is in use by another study; wait for its end, or choose another folder by --output.",
                exception);
        }
    }

    /// <summary>Its full path.</summary>
    public string Path { get; }

    /// <summary>A file in it.</summary>
    public string In(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>The options of <c>train</c> that keep a cell's files in its folder, and let it go on where it was killed.</summary>
    public IEnumerable<string> Options(StudyCell cell) =>
    [
        "--output", In(cell, "model.zip"), "--history", In(cell, "history.csv"), "--checkpoints", In(cell, "checkpoints"), "--resume",
    ];

    /// <summary>What a finished cell has achieved; <see langword="null"/> where it is not finished.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="origin">What is expected to have made it, or what there is of it.</param>
    /// <exception cref="InvalidDataException">It was another command, or other data; or the file cannot be read.</exception>
    public StudyResult? Find(StudyCell cell, StudyOrigin origin)
    {
        if (Read(In(cell, "result.json"), Json.Default.StudyResult) is { } result)
        {
            Check(cell, result.Origin, origin);
            return result;
        }
        if (Directory.Exists(In(cell, "checkpoints")) && Directory.EnumerateFileSystemEntries(In(cell, "checkpoints")).Any()
            && Read(In(cell, "origin.json"), Json.Default.StudyOrigin) is { } begun)
            Check(cell, begun, origin);
        return null;
    }

    /// <summary>Notes what a cell is made by, before it is trained.</summary>
    public void Begin(StudyCell cell, StudyOrigin origin)
    {
        var file = OutputFile.Writable(In(cell, "origin.json"));
        OutputFile.Write(file, TextWriter.Null, text => text.WriteLine(JsonSerializer.Serialize(origin, Json.Default.StudyOrigin)));
    }

    private void Check(StudyCell cell, StudyOrigin? found, StudyOrigin expected)
    {
        const string Advice = "Choose another folder by --output, or delete it.";
        if (found?.Command != expected.Command)
            throw new InvalidDataException(
                $"'{In(cell, "")}' was trained by another command, '{found?.Command}', not by '{expected.Command}'. {Advice}");
        if (found.Data != expected.Data)
            throw new InvalidDataException(
                $"'{In(cell, "")}' was trained on other images: since then files were added, changed or removed. {Advice}");
    }

    private static T? Read<T>(string file, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize(File.ReadAllBytes(file), type) : null;
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"'{file}' is no result of a training: {exception.Message} Delete it, to train again.",
                exception);
        }
    }

    /// <summary>Makes a cell's result of what its training has left, and marks it as finished.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="origin">What it was trained by and on.</param>
    /// <param name="epoch">The epoch that was kept.</param>
    /// <param name="parameters">Weights of the network.</param>
    public StudyResult Finish(StudyCell cell, StudyOrigin origin, int epoch, long parameters)
    {
        var history = File.ReadAllLines(In(cell, "history.csv")).Select(line => line.Split(',')).ToList();
        var kept = history.Single(row => row[0] == epoch.ToString(CultureInfo.InvariantCulture));
        var result = new StudyResult(cell, origin, parameters, epoch, Figure(kept, "ValidationAccuracy"), Figure(kept, "ValidationLoss"),
            Figure(kept, "TrainAccuracy"), Figure(kept, "TrainLoss"), Figure(history[^1], "Elapsed"));
        OutputFile.Write(In(cell, "result.json"), TextWriter.Null, text => text.WriteLine(
            JsonSerializer.Serialize(result, Json.Default.StudyResult)));
        Directory.Delete(In(cell, "checkpoints"), recursive: true);
        File.Delete(In(cell, "origin.json"));
        return result;

        double Figure(string[] row, string name) => double.Parse(row[Array.IndexOf(history[0], name)], CultureInfo.InvariantCulture);
    }

    /// <summary>Lets another study use it.</summary>
    public void Dispose() => _lock.Dispose();

    private string In(StudyCell cell, string name) => System.IO.Path.Combine(Path, "cells", cell.Name, name);

    [JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
    [JsonSerializable(typeof(StudyResult))]
    [JsonSerializable(typeof(StudyOrigin))]
    private sealed partial class Json : JsonSerializerContext;
}
