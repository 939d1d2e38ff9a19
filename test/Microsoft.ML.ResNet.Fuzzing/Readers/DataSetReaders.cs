using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Images.Cifar;
using Microsoft.ML.ResNet.Images.Folders;
using Microsoft.ML.ResNet.Tests.Images;

namespace Microsoft.ML.ResNet.Fuzzing.Readers;

/// <summary>Readers of sets of images: CIFAR's binary files and archives, and folders in zip archives.</summary>
internal static class DataSetReaders
{
    private const int Record = 3073;
    private static readonly byte[] NoMagic = [.. "00000000"u8]; // of which .NET makes another kind of header
    private static readonly ImageFolderOptions Skipping = new()
    {
        Height = 8,
        Width = 8,
        UnreadableImageBehavior = UnreadableImageBehavior.Skip,
        MaxDegreeOfParallelism = 1
    };
    private static readonly ImageFolderOptions Throwing = new() { MaxDegreeOfParallelism = 1 };

    public static IEnumerable<FuzzTarget> All =>
    [
        new("cifar-bin", 6, [Records(1), Records(2), new byte[2 * 3074]], [[0], [9], [10], [255], new byte[Record]], bytes =>
            ReadCifar(Scratch.File("data_batch_1.bin", bytes))),
        new("cifar-names", 8, [[.. "cat\ndog\n"u8], [.. "\uFEFFa\r\n\r\n b \n"u8],
            Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Range(0, 300)))],
            Tokens.Tar, bytes => ReadCifar(Beside(NamedCifar.Value, "batches.meta.txt", bytes))),
        new("cifar-tar-gz", 6, [.. Tars.Select(GZip)], Tokens.Tar,
            bytes => ReadCifar(Scratch.File("a.tar.gz", bytes))) { MemoryPerByte = 4000 },
        new("cifar-tar", 8, Tars, Tokens.Tar, bytes => ReadCifar(Scratch.File("b.tar.gz",
            GZip(WithChecksums(bytes))))) { MemoryBase = 16 << 20 },
        new("tar", 30, Tars, Tokens.Tar, bytes => ReadTar(WithChecksums(bytes))),
        new("zip-names", 60, [[0, .. "a/b.png"u8], [1, .. "\xB4\xF3/x"u8], [2, .. RawZip.UnicodePath([.. "x"u8], "é"), .. "x"u8]],
            [.. Tokens.Zip], ReadZipName),
        new("image-zip", 20, Zips, Tokens.Zip, ReadZip) { MemoryPerByte = 8 * 1032 }, // Deflate's best
        new("image-folder", 4, Zips, [.. Tokens.Zip, .. Tokens.Images], ReadFolder) { MemoryPerByte = 8 * 1032 },
    ];

    private static readonly Lazy<string> NamedCifar = new(() =>
    {
        Scratch.NewFolder("cifar-names");
        return Scratch.File("cifar-names/data_batch_1.bin", Records(1));
    });

    private static IReadOnlyList<byte[]> Tars { get; } =
    [
        Tar(TarEntryFormat.Pax, ("c/data_batch_1.bin", Records(1)), ("c/batches.meta.txt", [.. "cat\ndog\n"u8])),
        Tar(TarEntryFormat.Ustar, ("data_batch_1.bin", Records(1)), ("data_batch_2.bin", Records(1))),
        Tar(TarEntryFormat.Gnu, (new string('d', 120) + "/data_batch_1.bin", Records(1))),
        Tar(TarEntryFormat.V7, ("train.bin", new byte[3074]), ("fine_label_names.txt", [.. "a\nb\n"u8])),
        Tar(TarEntryFormat.Pax, ("batches.meta.txt", [.. "cat\ndog\n"u8]), ("test_batch.bin", [])),
    ];

    private static IReadOnlyList<byte[]> Zips { get; } =
    [
        Zip(CompressionLevel.Fastest), Zip(CompressionLevel.NoCompression),
        new RawZip().Add([.. "a/1.png"u8], Image(0)).Add([.. "b/2.png"u8], Image(1), RawZip.Utf8).ToArray(),
        new RawZip().Add([.. "x"u8], Image(0), 0, RawZip.UnicodePath([.. "x"u8], "ä/1.gif"))
            .Add([.. "b/l"u8], Image(2), 0, null, RawZip.Unix, 0xA1FF)
            .Add([0xB4, 0xF3, .. "/3.bmp"u8], Image(3)).ToArray(),
        new RawZip().Add([.. "a\\1.png"u8], Image(0)).Add([.. "./b/2.png"u8], Image(1), 1).Add([.. "b/c/d.png"u8], [])
            .Add([.. "a/"u8], []).ToArray(),
    ];

    private static Outcome ReadCifar(string path) => Outcome.Of<InvalidDataException>(() =>
    {
        var (images, names) = (0, new HashSet<string>());
        var source = new CifarImages([path], new CifarBinaryOptions());
        var count = source.Count;
        foreach (var image in source.Read(withBytes: true))
        {
            images++;
            names.Add(image.Label.ToString());
        }
        return count is null || count == images
            ? $"{images} {names.Count}"
            : throw new InvalidOperationException($"{count} images were promised, {images} came.");
    });

    /// <summary>Where .NET's reader takes what ours takes, both have the same files.</summary>
    private static Outcome ReadTar(byte[] bytes)
    {
        var read = Outcome.Of<InvalidDataException>(() =>
        {
            var (files, all) = (new TarFiles(new MemoryStream(bytes)), new StringBuilder());
            while (files.Next() is { } file)
                if (file.IsRegular)
                    Add(all, file.Name, files.Content);
            return all.ToString();
        });
        if (!read.IsAccepted || bytes.AsSpan().IndexOf(NoMagic) >= 0)
            return read;
        var expected = new StringBuilder();
        try
        {
            using var tar = new TarReader(new MemoryStream(bytes));
            while (tar.GetNextEntry() is { } entry)
                if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile)
                    Add(expected, entry.Name, entry.DataStream ?? Stream.Null);
        }
        catch (Exception e) when (ImageFileError.IsBrokenInput(e))
        {
            return new(true, "taken by us alone");
        }
        return expected.ToString() == read.Description ? new(true, $"{read.Description.Count(character => character == '\n')} files")
            : throw new InvalidOperationException($"We read {read.Description}, .NET {expected}.");

        static void Add(StringBuilder all, string name, Stream content)
        {
            using var copy = new MemoryStream();
            content.CopyTo(copy);
            all.Append(name).Append(' ').AppendLine(Convert.ToHexString(System.IO.Hashing.XxHash3.Hash(copy.ToArray())));
        }
    }

    private static Outcome ReadZipName(byte[] bytes)
    {
        var extra = bytes.Length > 2 && (bytes[0] & 2) != 0 ? Math.Min(bytes[1], bytes.Length - 2) : 0;
        var rest = bytes.AsSpan(Math.Min(bytes.Length, 2));
        var name = ZipNames.Read(rest[extra..], bytes.Length > 0 && (bytes[0] & 1) != 0, rest[..extra], out var isKnown);
        return name.StartsWith('/') || name.Contains('\\') ? throw new InvalidOperationException($"A name is not clean: '{name}'.")
            : new(isKnown, $"{name.Contains('%')} {name.Contains('\uFFFD')}");
    }

    private static Outcome ReadZip(byte[] bytes) => Outcome.Of<InvalidDataException>(() =>
    {
        var store = ImageStore.Of(Scratch.File("a.zip", bytes));
        using var reader = store.OpenReader();
        var (room, problems) = (new ImageBytes(), new HashSet<string?>());
        foreach (var name in store.FileNames("").Take(20))
            problems.Add(reader.Read(name, room));
        var listing = ImageFolderListing.Of(store, null);
        return $"{problems.Contains(null)} {listing.Files.Count} {string.Join(' ', listing.Remarks)} {string.Join(' ', problems)}";
    });

    private static Outcome ReadFolder(byte[] bytes) => Outcome.Of<InvalidDataException>(() =>
    {
        var images = new ImageFolderImages(Scratch.File("b.zip", bytes), bytes.Length % 2 == 0 ? Skipping : Throwing);
        var read = 0;
        foreach (var image in images.Read(withBytes: true))
            read += image.Bytes.Length == images.Shape.Size ? 1 : throw new InvalidOperationException("An image of another shape.");
        return images.Count == read ? $"{read}" : throw new InvalidOperationException($"{images.Count} images were counted, {read} came.");
    });

    private static string Beside(string path, string name, byte[] content)
    {
        File.WriteAllBytes(Path.Combine(Path.GetDirectoryName(path)!, name), content);
        return path;
    }

    private static byte[] Records(int count)
    {
        var records = new byte[count * Record];
        for (var i = 0; i < count; i++)
            records[i * Record] = (byte)(i % 10);
        return records;
    }

    private static byte[] Image(int index) => ImageReaders.Files("*.*")[index];

    private static byte[] Zip(CompressionLevel level)
    {
        using var file = new MemoryStream();
        using (var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
            foreach (var (index, name) in ((string[])["a/1.gif", "a/2.webp", "b/é.bmp", "c/", "readme.txt"]).Index())
            {
                var entry = zip.CreateEntry(name, level);
                entry.LastWriteTime = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
                using var content = entry.Open();
                if (!name.EndsWith('/'))
                    content.Write(Image(index));
            }
        return file.ToArray();
    }

    private static byte[] Tar(TarEntryFormat format, params (string Name, byte[] Content)[] files)
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, format, leaveOpen: true))
            foreach (var (name, content) in files)
            {
                TarEntry entry = format switch
                {
                    TarEntryFormat.Pax => new PaxTarEntry(TarEntryType.RegularFile, name),
                    TarEntryFormat.Ustar => new UstarTarEntry(TarEntryType.RegularFile, name),
                    TarEntryFormat.Gnu => new GnuTarEntry(TarEntryType.RegularFile, name),
                    _ => new V7TarEntry(TarEntryType.V7RegularFile, name),
                };
                entry.ModificationTime = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
                entry.DataStream = new MemoryStream(content);
                tar.WriteEntry(entry);
            }
        return stream.ToArray();
    }

    private static byte[] GZip(byte[] tar)
    {
        using var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(tar);
        return stream.ToArray();
    }

    /// <summary>Writes the checksum of every block that is or may be a header.</summary>
    private static byte[] WithChecksums(byte[] tar)
    {
        const int block = 512, at = 148, length = 8;
        for (var start = 0; start + block <= tar.Length; start += block)
        {
            var header = tar.AsSpan(start, block);
            if (header.IndexOfAnyExcept((byte)0) < 0 || header[0] == 0)
                continue;
            var sum = length * ' ';
            foreach (var value in header)
                sum += value;
            foreach (var value in header.Slice(at, length))
                sum -= value;
            Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ", header.Slice(at, length));
        }
        return tar;
    }
}
