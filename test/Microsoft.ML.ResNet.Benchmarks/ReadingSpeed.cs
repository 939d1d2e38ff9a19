using System.CommandLine;
using System.Diagnostics;
using System.IO.Compression;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Images.Columns;
using SkiaSharp;

/// <summary>
/// How fast image files become the block of pixels that training keeps: ours, from <c>LoadFromImageFolder</c> to the end of what <c>Fit</c>
/// reads, against the loop that a program would write without us, on one thread.
/// </summary>
internal static class ReadingSpeed
{
    /// <summary><c>bench read PATH... [--subfolder train] [--rounds 5]</c>: a line for each path.</summary>
    public static Command Verb()
    {
        var paths = new Argument<string[]>("path") { Description = "Folders of class folders, or .zip files of such." };
        var subfolder = new Option<string>("--subfolder") { DefaultValueFactory = _ => "train" };
        var rounds = new Option<int>("--rounds") { DefaultValueFactory = _ => 5 };
        var verb = new Command("read",
            "Images per second of reading and decoding image files: ours, and a plain loop over Skia on one thread.") { paths,
            subfolder, rounds };
        verb.SetAction(result =>
        {
            foreach (var path in result.GetValue(paths)!)
                Measure(path, result.GetValue(subfolder)!, result.GetValue(rounds));
        });
        return verb;
    }

    private static void Measure(string path, string subfolder, int rounds)
    {
        CheckEqual(path, subfolder); // and warm up the code and the file cache
        var (ours, plain) = (new List<Time>(), new List<Time>());
        for (var round = 0; round < rounds; round++)
        {
            ours.Add(TimeOf(() => ReadOurs(path, subfolder).Dispose()));
            plain.Add(TimeOf(() => ReadPlain(path, subfolder)));
        }
        var (our, their) = (Time.Median(ours), Time.Median(plain));
        Console.WriteLine(FormattableString.Invariant(
            $"{Path.GetFileName(path)}: ours {our}, plain loop {their}, ratio {their.Seconds / our.Seconds:f2}"));
    }

    private static void CheckEqual(string path, string subfolder)
    {
        using var ours = ReadOurs(path, subfolder);
        using var pixels = ours.Store.PixelsOf(0, ours.Store.Count);
        if (!pixels.bytes.SequenceEqual(ReadPlain(path, subfolder)))
            throw new InvalidOperationException($"Ours and the plain loop read different pixels from {path}.");
    }

    private static Time TimeOf(Action read)
    {
        GC.Collect();
        using var process = Process.GetCurrentProcess();
        var (clock, before) = (Stopwatch.StartNew(), process.TotalProcessorTime);
        read();
        process.Refresh();
        return new(clock.Elapsed.TotalSeconds, (process.TotalProcessorTime - before).TotalSeconds);
    }

    private static LabeledImageSet ReadOurs(string path, string subfolder)
    {
        var mlContext = new MLContext(seed: 1);
        var files = mlContext.Data.LoadFromImageFolder(path, new ImageFolderOptions { Subfolder = subfolder });
        var rows = mlContext.Transforms.Conversion.MapValueToKey(ImageColumns.Label).Fit(files).Transform(files);
        var features = rows.Schema[ImageColumns.Features];
        var columns = new LabeledImageColumns(features, ImageColumnKind.Create(features.Type, new ImageColumnOptions(), out _)!,
            rows.Schema[ImageColumns.Label], null);
        return LabeledImageSet.Read(rows, columns, new ImageRequest(null, ImageGeometry.Fill), ImageMemory.Of(null, null),
            () => { }, out _)!;
    }

    private static byte[] ReadPlain(string path, string subfolder)
    {
        if (Directory.Exists(path))
        {
            var files = Directory.GetDirectories(Path.Combine(path, subfolder)).Order(StringComparer.Ordinal)
                .SelectMany(folder => Directory.GetFiles(folder).Order(StringComparer.Ordinal)).ToList();
            return Decode(files.Count, i => File.ReadAllBytes(files[i]));
        }
        using var archive = ZipFile.OpenRead(path);
        var entries = archive.Entries.Where(entry => entry.FullName.StartsWith(subfolder + "/", StringComparison.Ordinal)
            && !entry.FullName.EndsWith('/'))
            .OrderBy(entry => entry.FullName, StringComparer.Ordinal).ToList();
        return Decode(entries.Count, i =>
        {
            using var content = entries[i].Open();
            var bytes = new byte[entries[i].Length];
            content.ReadExactly(bytes);
            return bytes;
        });
    }

    private static byte[] Decode(int count, Func<int, byte[]> readFile)
    {
        const int plane = 32 * 32;
        var block = new byte[count * 3 * plane];
        for (var image = 0; image < count; image++)
        {
            using var bitmap = SKBitmap.Decode(readFile(image), new SKImageInfo(32, 32, SKColorType.Rgba8888));
            var pixels = bitmap.GetPixelSpan();
            var planar = block.AsSpan(image * 3 * plane, 3 * plane);
            for (var channel = 0; channel < 3; channel++)
                for (var i = 0; i < plane; i++)
                    planar[channel * plane + i] = pixels[4 * i + channel];
        }
        return block;
    }

    /// <param name="Seconds">On the clock.</param>
    /// <param name="ProcessorSeconds">Of all threads; what the machine's other work disturbs least.</param>
    private readonly record struct Time(double Seconds, double ProcessorSeconds)
    {
        public static Time Median(IReadOnlyCollection<Time> times)
            => new(Statistics.Median(times.Select(time => time.Seconds)), Statistics.Median(times.Select(time => time.ProcessorSeconds)));

        public override string ToString() => FormattableString.Invariant($"{Seconds:f3} s ({ProcessorSeconds:f3} s of processor)");
    }
}
