using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Samples.Runs;

namespace Samples.Shards;

/// <summary>
/// Tells whether labelled images are those of before. Names are compared of all of them, contents of one shard's alone, so that no process
/// reads what others score.
/// </summary>
internal static class ShardData
{
    /// <summary>A checksum of the names of all images with their classes, or of CIFAR's files with their lengths.</summary>
    public static string NamesOf(DataPath data)
    {
        if (!data.IsPictures)
            return Fingerprint.OfLines(Directory.Exists(data.Path)
                ? data.BinaryFiles().Select(file => FormattableString.Invariant($"{FileLength.Of(file)} {Path.GetFileName(file)}"))
                : [FormattableString.Invariant($"{FileLength.Of(data.Path)}")]);
        return Fingerprint.OfLines(Names(data.LoadFiles(new MLContext(), null), data.Path));
    }

    /// <summary>A checksum of the classes, names and bytes of a shard's images.</summary>
    /// <param name="data">All images.</param>
    /// <param name="shard">The shard.</param>
    /// <param name="cancellation">Stops between two images.</param>
    public static string ContentOf(DataPath data, ImageShard shard, CancellationToken cancellation)
    {
        var view = data.LoadFiles(new MLContext(), shard);
        var bytesColumn = view.Schema[ImageColumns.Features];
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var rows = view.GetRowCursor(view.Schema);
        var getBytes = rows.GetGetter<VBuffer<byte>>(bytesColumn);
        var name = NameOf(rows, data.Path);
        var bytes = default(VBuffer<byte>);
        var length = new byte[sizeof(int)];
        while (rows.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            getBytes(ref bytes);
            all.AppendData(MemoryMarshal.AsBytes(name().AsSpan()));
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length); // so that no byte can move from one image to the next
            all.AppendData(length);
            all.AppendData(bytes.GetValues());
        }
        return Convert.ToHexStringLower(all.GetHashAndReset());
    }

    private static IEnumerable<string> Names(IDataView view, string root)
    {
        using var rows = view.GetRowCursor(view.Schema.Where(column => column.Name != ImageColumns.Features));
        var name = NameOf(rows, root);
        while (rows.MoveNext())
            yield return name();
    }

    // Class and file, from the folder or archive on: a copy of the images elsewhere is the same.
    private static Func<string> NameOf(DataViewRow row, string root)
    {
        var (label, path) = (default(ReadOnlyMemory<char>), default(ReadOnlyMemory<char>));
        var getLabel = row.GetGetter<ReadOnlyMemory<char>>(row.Schema[ImageColumns.Label]);
        var getPath = row.Schema.GetColumnOrNull(ImageColumns.ImagePath) is { } column
            ? row.GetGetter<ReadOnlyMemory<char>>(column)
            : null;
        return () =>
        {
            getLabel(ref label);
            getPath?.Invoke(ref path);
            return $"{label}\t{(path.Length > root.Length ? path[(root.Length + 1)..] : path)}";
        };
    }
}
