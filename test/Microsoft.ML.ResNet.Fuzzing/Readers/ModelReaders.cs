using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Persistence;
using Microsoft.ML.ResNet.Training;

namespace Microsoft.ML.ResNet.Fuzzing.Readers;

/// <summary>Readers of saved models and of checkpoints.</summary>
internal static class ModelReaders
{
    private const string Ours = "TransformerChain/Transform_001/", Hole = "\"hole\"";
    private static readonly MLContext Ml = new(seed: 1);
    private static readonly byte[] Description = Utf8(SavedModel.Description(TinyModel.Value));
    private static readonly Lazy<string> Checkpoints = new(() => Scratch.NewFolder("checkpoints"));

    private static readonly IReadOnlyList<(string Name, byte[] Bytes)> Saved =
        SavedModel.Unzip(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Corpus", "models", "format-1.zip")));

    // Only the entries that this library reads: ML.NET's own, with right checksums and wrong contents, can take it minutes.
    private static readonly IReadOnlyList<int> OurEntries =
        [.. Enumerable.Range(0, Saved.Count).Where(index => Saved[index].Name.StartsWith(Ours, StringComparison.Ordinal))];

    public static IEnumerable<FuzzTarget> All =>
    [
        new("model-description", 25, Descriptions, Tokens.Description, bytes => Read(bytes, TinyModel.Weights)),
        new("model-classes", 25, Members("classes"), Tokens.Description, bytes => Read(Filled("classes", bytes), TinyModel.Weights)),
        new("model-history", 25, Members("history"), Tokens.Description, bytes => Read(Filled("history", bytes), TinyModel.Weights)),
        new("model-weights", 25, [TinyModel.Weights], Tokens.Safetensors, bytes => Read(Description, bytes)),
        new("model-zip", 15, Zips, Tokens.Zip, CheckZip) { MemoryPerByte = 2000 }, // a zip unpacks
        new("model-opened", 10, [SavedModel.Zip(Saved), .. Zips], Tokens.Zip, Open) { MemoryPerByte = 2000, LongestInput = 64 << 10 },
        new("model-file", 1, [SavedModel.Zip(Saved)], Tokens.Zip, Load)
        { LongestInput = 64 << 10 },
        new("model-entries", 1, [.. OurEntries.Select((place, index) => (byte[])[(byte)index, .. Saved[place].Bytes])], Tokens.Description,
            bytes => Load(WithEntry(bytes))) { LongestInput = 64 << 10 },
        new("checkpoint", 6, [Checkpoint(State)], [.. Tokens.Safetensors, .. Tokens.Json], ReadCheckpoint),
        new("training-state", 30, [Utf8(State)], [.. Tokens.Json, .. Names(State)], bytes => Outcome.Of<FormatException>(() =>
            ReadState(new Dictionary<string, string> { ["training"] = Encoding.UTF8.GetString(bytes) }, StateTensors))),
    ];

    private static IReadOnlyList<byte[]> Descriptions { get; } =
    [
        Description,
        Utf8(SavedModel.Description(TinyModel.Value with { History = [], KeptEpoch = null })),
        .. Labels.Select(labels => Utf8(SavedModel.Description(TinyModel.WithClasses(labels)))),
    ];

    private static IEnumerable<ClassLabels> Labels =>
    [
        new ClassLabels(2), new ClassLabels<bool>([false, true]), new ClassLabels<int>([-1, 7]), new ClassLabels<byte>([0, 255]),
        new ClassLabels<float>([0.5f, float.NaN]), new ClassLabels<ulong>([0, ulong.MaxValue]),
            new ClassLabels<TimeSpan>([default, TimeSpan.MaxValue]),
        new ClassLabels<DateTime>([default, DateTime.MaxValue]), new ClassLabels<DateTimeOffset>([default, DateTimeOffset.MaxValue]),
    ];

    private static IReadOnlyList<byte[]> Zips { get; } = [Zip(CompressionLevel.Fastest), Zip(CompressionLevel.NoCompression)];

    private static IReadOnlyList<NamedTensor> StateTensors { get; } =
        [.. TrainingState.InGroup("weights", TinyModel.Value.Weights), .. TrainingState.InGroup("best", TinyModel.Value.Weights)];

    private static string State { get; } = new TrainingState(2, 0, 4, default, default, SavedModel.History(2), StateTensors)
        .Metadata()["training"];

    private static Outcome Read(byte[] description, byte[] weights) => Outcome.Of<ModelFormatException>(() =>
    {
        var (model, columns) = SavedModel.Read(description, weights);
        return $"{model.Architecture.Stem} {model.Classes.ValueType?.Name} {model.History.Count} {columns.Layout} "
            + $"{columns.Order} {columns.Range} {string.Join(' ', model.Classes.Names.Take(3)).Length}";
    });

    private static IReadOnlyList<byte[]> Members(string member)
        => [.. Descriptions.Select(json => JsonNode.Parse(json)![member]?.ToJsonString()).OfType<string>().Distinct().Select(Utf8)];

    private static byte[] Filled(string member, byte[] value)
    {
        var json = JsonNode.Parse(Description)!;
        json[member] = "hole";
        var text = json.ToJsonString();
        var at = text.IndexOf(Hole, StringComparison.Ordinal);
        return [.. Utf8(text[..at]), .. value, .. Utf8(text[(at + Hole.Length)..])];
    }

    private static Outcome CheckZip(byte[] bytes) => Outcome.Of<ModelFormatException>(() =>
    {
        ModelZip.Check(new MemoryStream(bytes));
        return "whole";
    });

    private static Outcome Open(byte[] file) => Outcome.Of<ModelFormatException>(() => ModelFile.Read(new MemoryStream(file))
        .Architecture.Name);

    private static Outcome Load(byte[] file) => Outcome.Of<ModelFormatException>(() =>
    {
        var model = Ml.Model.LoadResNet(new MemoryStream(file), out var schema);
        using (model as IDisposable)
            return $"{model.FindResNet()?.Model.Architecture.Name} {schema?.Count}";
    });

    private static byte[] WithEntry(byte[] bytes)
    {
        var place = OurEntries[bytes.Length == 0 ? 0 : bytes[0] % OurEntries.Count];
        return SavedModel.Zip(Saved.Select((entry, index) => index == place ? (entry.Name, bytes.Length == 0 ? [] : bytes[1..]) : entry));
    }

    private static byte[] Zip(CompressionLevel level)
    {
        using var file = new MemoryStream();
        using (var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
            foreach (var (name, bytes) in (IEnumerable<(string, byte[])>)[("model.json", Description),
                ("a/weights.safetensors", TinyModel.Weights), ("empty", [])])
            {
                var entry = zip.CreateEntry(name, level);
                entry.LastWriteTime = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
                using var content = entry.Open();
                content.Write(bytes);
            }
        return file.ToArray();
    }

    private static byte[] Checkpoint(string state)
    {
        var folder = Scratch.NewFolder("checkpoint-seed");
        new CheckpointFolder(folder).Write(1, new Dictionary<string, string> { ["training"] = state }, StateTensors);
        return File.ReadAllBytes(Directory.GetFiles(folder).Single());
    }

    private static Outcome ReadCheckpoint(byte[] bytes) => Outcome.Of<FormatException>(() =>
    {
        foreach (var old in Directory.GetFiles(Checkpoints.Value))
            File.Delete(old);
        File.WriteAllBytes(Path.Combine(Checkpoints.Value, "checkpoint-000000000001.safetensors"), bytes);
        var problem = "";
        var read = new CheckpointFolder(Checkpoints.Value).ReadNewest(told => problem = told);
        return read is null ? throw new FormatException(problem) : ReadState(read.Metadata, read.Tensors);
    });

    private static string ReadState(IReadOnlyDictionary<string, string> metadata, IReadOnlyList<NamedTensor> tensors)
    {
        var state = TrainingState.Read(metadata, tensors);
        return string.Create(CultureInfo.InvariantCulture, $"{state.History.Count} {state.Group("best").Count} {state.IsFinite()}");
    }

    private static IEnumerable<byte[]> Names(string json)
        => json.Split('"').Where((_, index) => index % 2 == 1).Distinct().Select(name => Utf8($"\"{name}\":"));

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
