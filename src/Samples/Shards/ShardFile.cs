using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet;

namespace Samples.Shards;

/// <summary>
/// The file of a finished shard: a line of JSON with its <see cref="ShardOrigin"/>, what was found, and on a line of its own JSON with
/// lengths and the checksum of all before it. It appears under its name when it is whole, so that whatever bears the name is finished or
/// damaged.
/// </summary>
internal sealed partial class ShardFile
{
    private const int LongestOrigin = 1 << 16, LongestEnd = 1 << 10; // bytes
    private const int BufferSize = 1 << 16;

    private readonly long _start;
    private readonly ShardEnd _end;

    private ShardFile(string path, ShardOrigin origin, long start, ShardEnd end)
        => (Path, Origin, _start, _end) = (path, origin, start, end);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What it belongs to.</summary>
    public ShardOrigin Origin { get; }

    /// <summary>Images that were scored.</summary>
    public long Images => _end.Images;

    /// <summary>
    /// The file of a shard: beside the whole output, with <c>.shard-03-of-16</c> behind its name; without a shard, the output itself.
    /// </summary>
    public static string PathOf(string output, ImageShard? shard)
    {
        if (shard is null)
            return output;
        var (index, count) = (shard.Index.ToString(CultureInfo.InvariantCulture), shard.Count.ToString(CultureInfo.InvariantCulture));
        return $"{output}.shard-{index.PadLeft(count.Length, '0')}-of-{count}";
    }

    /// <summary>The files that lie beside an output and are named as its shards, with what their names say.</summary>
    public static IEnumerable<(string Path, int Shard, int Of)> Beside(string output)
    {
        var (folder, name) = (System.IO.Path.GetDirectoryName(output)!, System.IO.Path.GetFileName(output));
        foreach (var path in (Directory.Exists(folder) ? Directory.GetFiles(folder) : []).Order(StringComparer.Ordinal))
            if (System.IO.Path.GetFileName(path) is var file && file.StartsWith(name, StringComparison.Ordinal)
                && NameEnd().Match(file[name.Length..]) is { Success: true } match
                && int.TryParse(match.Groups["shard"].Value, CultureInfo.InvariantCulture, out var shard)
                && int.TryParse(match.Groups["of"].Value, CultureInfo.InvariantCulture, out var of))
                yield return (path, shard, of);
    }

    /// <summary>Writes the file of a shard; one of before is replaced when the new one is whole.</summary>
    /// <param name="path">The file.</param>
    /// <param name="origin">What it belongs to.</param>
    /// <param name="writeResults">Writes what was found, and says of how many images.</param>
    /// <param name="writeNotes">Writes what else is to be known, behind it.</param>
    /// <exception cref="IOException">The disk is full or fails. The file of before is untouched.</exception>
    public static void Write(string path, ShardOrigin origin, Func<Stream, long> writeResults, Action<Stream>? writeNotes = null)
    {
        var (folder, name) = (System.IO.Path.GetDirectoryName(path)!, System.IO.Path.GetFileName(path));
        DeleteUnfinished(folder, name);
        var unfinished = System.IO.Path.Combine(folder, $".{name}.{Guid.NewGuid():n}.unfinished");
        try
        {
            using (var file = new FileStream(unfinished, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                using var hashed = new HashedStream(file, path);
                WriteLine(hashed, origin, ShardJson.Default.ShardOrigin);
                var start = hashed.Position;
                var images = writeResults(hashed);
                var results = hashed.Position - start;
                writeNotes?.Invoke(hashed);
                var all = hashed.Position - start;
                hashed.WriteByte((byte)'\n'); // the last line is one, whatever stands before it
                var end = new ShardEnd(images, results, all, "");
                WriteLine(hashed, end with { Sha256 = hashed.Checksum(end.Numbers) }, ShardJson.Default.ShardEnd);
                hashed.FlushToDisk();
            }
            File.Move(unfinished, path, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    /// <summary>Opens a file and checks that it is whole.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or something else.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static ShardFile Open(string path)
    {
        if (FileLength.Of(path) == 0) // so it is for a pipe, on which one would wait
            throw Damaged(path, "no bytes");
        using var file = File.OpenRead(path);
        var room = new byte[Math.Min(file.Length, LongestEnd)];
        file.Position = file.Length - room.Length;
        file.ReadExactly(room);
        var mark = room.Length < 2 || room[^1] != '\n' ? -1 : room.AsSpan(0, room.Length - 1).LastIndexOf((byte)'\n');
        if (mark < 0)
            throw Damaged(path, "a file that ends too early");
        var end = Parse(path, room.AsSpan(mark + 1), ShardJson.Default.ShardEnd);
        var length = file.Length - room.Length + mark + 1; // of all before the last line
        if (end.Sha256 != Checksum(file, length, end.Numbers))
            throw Damaged(path, "another checksum");

        file.Position = 0;
        var first = new byte[Math.Min(length, LongestOrigin)];
        file.ReadExactly(first);
        var start = first.AsSpan().IndexOf((byte)'\n') + 1;
        var origin = Parse(path, first.AsSpan(0, start), ShardJson.Default.ShardOrigin);
        if (origin.Format != ShardOrigin.Known)
            throw Damaged(path, $"the format '{origin.Format}'");
        if (origin.Of < 1 || origin.Shard < 0 || origin.Shard >= origin.Of || end.Images < 0 || end.Results < 0 || end.Bytes < end.Results
            || end.Bytes != length - start - 1)
            throw Damaged(path, "numbers that cannot be");
        return new(path, origin, start, end);
    }

    /// <summary>Opens what was found: the results alone, without the notes behind them.</summary>
    public Stream OpenResults() => new FilePart(File.OpenRead(Path), _start, _end.Results);

    /// <summary>Opens the notes behind the results.</summary>
    public Stream OpenNotes() => new FilePart(File.OpenRead(Path), _start + _end.Results, _end.Bytes - _end.Results);

    /// <summary>What to say of a file that is no finished shard.</summary>
    public static InvalidDataException Damaged(string path, string found, Exception? inner = null) => new(
        $"'{path}' is named as a finished shard and is none: it has {found}. Delete it, or pass --overwrite, and run the shard again.",
        inner);

    // What a killed process has left. One that is still at it holds its file, where the file system knows locks.
    private static void DeleteUnfinished(string folder, string name)
    {
        foreach (var file in Directory.GetFiles(folder, $".{name}.*.unfinished"))
            try
            {
                using (new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
                    File.Delete(file);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It is in use, or not ours to delete.
            }
    }

    private static void WriteLine<T>(Stream stream, T value, JsonTypeInfo<T> type)
    {
        stream.Write(JsonSerializer.SerializeToUtf8Bytes(value, type));
        stream.WriteByte((byte)'\n');
    }

    private static T Parse<T>(string path, ReadOnlySpan<byte> line, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(line, type) ?? throw Damaged(path, "nothing where its description should be");
        }
        catch (JsonException exception)
        {
            throw Damaged(path, "something else where its description should be", exception);
        }
    }

    private static string Checksum(FileStream file, long length, string numbers)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var room = new byte[BufferSize];
        file.Position = 0;
        for (var left = length; left > 0;)
        {
            var read = file.Read(room, 0, (int)Math.Min(left, room.Length));
            if (read == 0)
                break;
            hash.AppendData(room, 0, read);
            left -= read;
        }
        hash.AppendData(Encoding.ASCII.GetBytes(numbers));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    [GeneratedRegex(@"^\.shard-(?<shard>\d{1,9})-of-(?<of>\d{1,9})$", RegexOptions.CultureInvariant)]
    private static partial Regex NameEnd();

    /// <summary>The last line.</summary>
    /// <param name="Images">Images that were scored.</param>
    /// <param name="Results">Bytes of results.</param>
    /// <param name="Bytes">Bytes of results and notes.</param>
    /// <param name="Sha256">The checksum of everything before the line, and of <see cref="Numbers"/>.</param>
    private sealed record ShardEnd(long Images, long Results, long Bytes, string Sha256)
    {
        [JsonIgnore]
        public string Numbers => string.Create(CultureInfo.InvariantCulture, $"{Images} {Results} {Bytes}");
    }

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true)]
    [JsonSerializable(typeof(ShardOrigin))]
    [JsonSerializable(typeof(ShardEnd))]
    private sealed partial class ShardJson : JsonSerializerContext;
}
