using System.Reflection;
using System.Text.Json.Serialization;
using Microsoft.ML.ResNet;

namespace Samples.Shards;

/// <summary>What a finished shard belongs to. Shards that differ in more than their number are not put together.</summary>
internal sealed record ShardOrigin
{
    /// <summary>What the first line of every shard's file begins with.</summary>
    public const string Known = "resnet shard 1";

    /// <summary>The format of the file: <see cref="Known"/>.</summary>
    public string Format { get; init; } = Known;

    /// <summary>The verb that has scored it.</summary>
    public required string Verb { get; init; }

    /// <summary>The version of the program.</summary>
    public string Version { get; init; } = typeof(ShardOrigin).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>Which shard, from 0.</summary>
    public required int Shard { get; init; }

    /// <summary>How many shards there are.</summary>
    public required int Of { get; init; }

    /// <summary>The SHA-256 of the model's file.</summary>
    public required string Model { get; init; }

    /// <summary>The options that decide what is written.</summary>
    public required SortedDictionary<string, string> Options { get; init; }

    /// <summary>A checksum of the names of all images, those of other shards too.</summary>
    public required string Data { get; init; }

    /// <summary>A checksum of the names and contents of the images of this shard.</summary>
    public required string Content { get; init; }

    /// <summary>The shard that it is.</summary>
    [JsonIgnore]
    public ImageShard Part => new(Shard, Of);

    /// <summary>
    /// The first thing in which a shard does not belong with this one, as in <c>another model: SHA-256 2c26... instead of fcde...</c>;
    /// <see langword="null"/> if there is none. Their numbers and contents may differ.
    /// </summary>
    public string? DifferenceOf(ShardOrigin other)
    {
        if (other.Verb != Verb)
            return $"another verb: '{other.Verb}' instead of '{Verb}'";
        if (other.Version != Version)
            return $"another version of the program: {other.Version} instead of {Version}";
        if (other.Model != Model)
            return $"another model: SHA-256 {Short(other.Model)} instead of {Short(Model)}";
        foreach (var option in Options.Keys.Union(other.Options.Keys).Order(StringComparer.Ordinal))
            if (Value(other, option) is var found && Value(this, option) is var expected && found != expected)
                return $"another {option}: {found} instead of {expected}";
        return other.Data != Data
            ? $"other images: their names have the checksum {Short(other.Data)} instead of {Short(Data)}"
            : null;
    }

    /// <summary>The same for a file of this very shard, whose images have to be the same, too.</summary>
    public string? DifferenceOfSame(ShardOrigin other)
        => DifferenceOf(other)
            ?? (other.Content != Content
            ? $"other contents of its images, which have changed since: checksum {Short(other.Content)} instead of {Short(Content)}"
            : null);

    private static string Value(ShardOrigin origin, string option) => origin.Options.GetValueOrDefault(option, "none");

    private static string Short(string hash) => hash.Length > 12 ? $"{hash[..12]}..." : hash;
}
