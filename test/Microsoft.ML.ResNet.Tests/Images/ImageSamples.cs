using System.Formats.Tar;
using System.IO.Compression;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Tests.Support;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>Image files written from known bytes, and rows read back, for the tests of loading.</summary>
internal static class ImageSamples
{
    public const int CifarPixels = 3072;

    private static int _folders;

    /// <summary>A new empty folder.</summary>
    public static string NewFolder() =>
        Directory.CreateDirectory(Path.Combine(TestAssembly.TemporaryFolder, $"images-{Interlocked.Increment(ref _folders)}")).FullName;

    /// <summary>A new path in a new folder, with the given content.</summary>
    public static string NewFile(string name, byte[] content)
    {
        var path = Path.Combine(NewFolder(), name);
        File.WriteAllBytes(path, content);
        return path;
    }

    /// <summary>CIFAR records: each has the given label bytes, then noise that depends on <paramref name="seed"/>.</summary>
    public static byte[] Cifar(int seed, params byte[][] labels)
    {
        var random = new Random(seed);
        return [.. labels.SelectMany(label => (byte[])[.. label, .. Noise(random)])];
    }

    /// <summary>CIFAR-10 records with the given labels.</summary>
    public static byte[] Cifar10(int seed, params byte[] labels) => Cifar(seed, [.. labels.Select(label => new[] { label })]);

    /// <summary>A gzip-compressed tar archive.</summary>
    public static byte[] TarGz(params (string Name, byte[] Content)[] files)
    {
        var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.Fastest))
        using (var tar = new TarWriter(gzip))
            foreach (var (name, content) in files)
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
        return stream.ToArray();
    }

    /// <summary>A zip archive.</summary>
    public static byte[] Zip(params (string Name, byte[] Content)[] files)
    {
        var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create))
            foreach (var (name, content) in files)
            {
                using var entry = zip.CreateEntry(name).Open();
                entry.Write(content);
            }
        return stream.ToArray();
    }

    /// <summary>Writes files below a new folder.</summary>
    public static string FolderOf(params (string Name, byte[] Content)[] files)
    {
        var folder = NewFolder();
        foreach (var (name, content) in files)
        {
            var path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, content);
        }
        return folder;
    }

    /// <summary>An encoded image whose pixels a function gives.</summary>
    public static byte[] Encode(int width, int height, Func<int, int, SKColor> color,
        SKEncodedImageFormat format = SKEncodedImageFormat.Png)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
                bitmap.SetPixel(x, y, color(x, y));
        using var data = bitmap.Encode(format, 95);
        return data.ToArray();
    }

    /// <summary>A PNG of one colour.</summary>
    public static byte[] Plain(byte red, byte green = 0, byte blue = 0, int width = 2, int height = 2) =>
        Encode(width, height, (_, _) => new SKColor(red, green, blue));

    /// <summary>All rows: label and pixels.</summary>
    public static List<(string Label, byte[] Pixels)> Rows(IDataView view)
    {
        using var cursor = view.GetRowCursor(view.Schema);
        var label = cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema[ImageColumns.Label]);
        var features = cursor.GetGetter<VBuffer<byte>>(view.Schema[ImageColumns.Features]);
        var rows = new List<(string, byte[])>();
        ReadOnlyMemory<char> text = default;
        VBuffer<byte> pixels = default;
        while (cursor.MoveNext())
        {
            label(ref text);
            features(ref pixels);
            rows.Add((text.ToString(), pixels.DenseValues().ToArray()));
        }
        return rows;
    }

    /// <summary>The labels, read by a cursor over nothing else.</summary>
    public static List<string> Labels(IDataView view)
    {
        using var cursor = view.GetRowCursor([view.Schema[ImageColumns.Label]]);
        var getter = cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema[ImageColumns.Label]);
        var labels = new List<string>();
        ReadOnlyMemory<char> text = default;
        while (cursor.MoveNext())
        {
            getter(ref text);
            labels.Add(text.ToString());
        }
        return labels;
    }

    /// <summary>Reading all rows fails, and the message has all of these parts.</summary>
    public static void AssertBroken(Action read, params string[] parts)
    {
        var exception = Assert.ThrowsExactly<InvalidDataException>(read);
        foreach (var part in parts)
            StringAssert.Contains(exception.Message, part, StringComparison.Ordinal);
    }

    private static byte[] Noise(Random random)
    {
        var bytes = new byte[CifarPixels];
        random.NextBytes(bytes);
        return bytes;
    }
}
