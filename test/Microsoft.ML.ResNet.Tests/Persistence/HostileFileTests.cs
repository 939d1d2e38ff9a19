using System.Diagnostics;
using System.IO.Compression;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Persistence;

/// <summary>The whole file, damaged around our entries as well as in them.</summary>
[TestClass]
public class HostileFileTests
{
    // the others are ML.NET's own: with right checksums and wrong contents, one such file did not come back within ten minutes
    private const string Ours = "TransformerChain/Transform_001/";
    private static readonly MLContext Ml = new(seed: 1);
    // a schema, and a chain of three
    private static readonly byte[] File =
        System.IO.File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "models", "format-1.zip"));

    [TestMethod]
    public void A_thousand_flips_and_truncations_of_the_zip_load_or_are_one_exception()
    {
        var kinds = new SortedDictionary<string, int>();
        var random = new Random(1);
        for (var i = 0; i < 1000; i++)
        {
            // Weights are most of the file; half of the flips go to the last kilobyte, where the zip's directory is.
            var bytes = File.ToArray();
            for (var damage = random.Next(1, 4); damage > 0; damage--)
                bytes[i % 2 == 0
                    ? random.Next(bytes.Length)
                    : bytes.Length - 1 - random.Next(Math.Min(1024, bytes.Length))] ^= (byte)(1 << random.Next(8));
            if (i % 8 == 0)
                bytes = bytes[..random.Next(bytes.Length)];
            Count(kinds, Outcome(bytes));
        }
        Console.WriteLine(string.Join(Environment.NewLine, kinds.Select(kind => $"{kind.Value,5} {kind.Key}")));
    }

    [TestMethod]
    public void Hundreds_of_flips_in_each_of_our_entries_with_right_checksums_load_or_are_one_exception()
    {
        var kinds = new SortedDictionary<string, int>();
        var entries = SavedModel.Unzip(File);
        var random = new Random(2);
        foreach (var (entry, place) in entries.Select((entry, place) => (entry, place))
            .Where(one => one.entry.Name.StartsWith(Ours, StringComparison.Ordinal)))
            for (var i = 0; i < 150; i++)
            {
                var bytes = entry.Bytes.ToArray();
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                if (i % 5 == 0)
                    bytes = bytes[..random.Next(bytes.Length)];
                var zip = SavedModel.Zip(entries.Select((other, index) => index == place ? (other.Name, bytes) : other));
                Count(kinds, $"{entry.Name}: {Outcome(zip)}");
            }
        Console.WriteLine(string.Join(Environment.NewLine, kinds.Select(kind => $"{kind.Value,5} {kind.Key}")));
    }

    [TestMethod]
    public void A_missing_entry_is_named()
    {
        foreach (var name in new[] { ModelArchive.DescriptionEntry, ModelArchive.WeightsEntry })
        {
            var file = SavedModel.Zip(SavedModel.Unzip(File).Where(entry => !entry.Name.EndsWith(name, StringComparison.Ordinal)));
            StringAssert.Contains(Assert.ThrowsExactly<ModelFormatException>(() => Load(file)).Message, $"no entry '{name}'");
        }
    }

    [TestMethod]
    public void ML_NETs_own_Load_keeps_our_exception_as_a_cause()
    {
        var file = SavedModel.Zip(SavedModel.Unzip(File)
            .Where(entry => !entry.Name.EndsWith(ModelArchive.WeightsEntry, StringComparison.Ordinal)));

        var error = Assert.Throws<Exception>(() => Ml.Model.Load(new MemoryStream(file), out _));

        Assert.IsTrue(Causes(error).Any(cause => cause is ModelFormatException), error.ToString());
    }

    [TestMethod]
    public void A_zip_bomb_is_not_unpacked()
    {
        using var file = new MemoryStream();
        using (var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        using (var content = zip.CreateEntry("TransformerChain/Model.key").Open())
        {
            var zeros = new byte[1024 * 1024];
            for (var i = 0; i < 100; i++)
                content.Write(zeros);
        }
        StringAssert.Contains(Assert.ThrowsExactly<ModelFormatException>(() => Load(file.ToArray())).Message, "unpack to more than");
    }

    [TestMethod]
    public void Two_entries_of_one_name_are_refused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<ModelFormatException>(
            () => Load(SavedModel.Zip([.. SavedModel.Unzip(File), .. SavedModel.Unzip(File)]))).Message, "one name");

    [TestMethod]
    [DataRow(true, "SHA-256", DisplayName = "by their hash, where the description has it")]
    [DataRow(false, "CRC-32", DisplayName = "by the zip's checksum, where it has none")]
    public void Damaged_weights_are_noticed(bool hash, string message)
    {
        var entries = SavedModel.Unzip(File)
            .Select(entry => hash || !entry.Name.EndsWith(ModelArchive.DescriptionEntry, StringComparison.Ordinal)
            ? entry
            : (entry.Name, Bytes: SavedModel.WithoutHash(entry.Bytes))).ToList();
        var file = SavedModel.Zip(entries, CompressionLevel.NoCompression);
        Load(file);

        var weights = entries.Single(entry => entry.Name.EndsWith(ModelArchive.WeightsEntry, StringComparison.Ordinal)).Bytes;
        file[file.AsSpan().IndexOf(weights) + weights.Length / 2] ^= 1;

        StringAssert.Contains(Assert.ThrowsExactly<ModelFormatException>(() => Load(file)).Message, message);
    }

    [TestMethod]
    [DataRow(10_000, "Model.key", DisplayName = "10,000 entries are looked at")]
    [DataRow(10_001, "10001 entries", DisplayName = "10,001 are too many")]
    public void Entries_are_counted(int count, string message)
    {
        var file = SavedModel.Zip(Enumerable.Range(0, count).Select(number => ($"{number}", Array.Empty<byte>())));

        StringAssert.Contains(Assert.ThrowsExactly<ModelFormatException>(() => Load(file)).Message, message);
    }

    [TestMethod]
    public void What_is_no_model_is_refused()
    {
        Assert.ThrowsExactly<ModelFormatException>(() => Load([]));
        Assert.ThrowsExactly<ModelFormatException>(() => Load([.. "GIF89a"u8]));
        Assert.ThrowsExactly<ModelFormatException>(() => Load(SavedModel.Zip([])));
        Assert.ThrowsExactly<ModelFormatException>(() => Load(SavedModel.Zip([("readme.txt", [1, 2, 3])])));
    }

    [TestMethod]
    public void What_is_not_the_files_fault_keeps_its_own_exception()
    {
        Assert.Throws<FileNotFoundException>(() => Ml.Model.LoadResNet(Path.Combine(TestAssembly.TemporaryFolder, "absent.zip"), out _));
        Assert.Throws<ArgumentException>(() => Ml.Model.LoadResNet("", out _));
        Assert.Throws<ArgumentException>(() => Ml.Model.LoadResNet((Stream)null!, out _));
        Assert.Throws<ArgumentException>(() => Ml.Model.LoadResNet(new ForwardOnlyStream(File), out _));
    }

    // "scores", or what ML.NET's own Load throws; LoadResNet must throw ModelFormatException then.
    private static string Outcome(byte[] bytes)
    {
        var (before, clock) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.StartNew());
        try
        {
            var model = Load(bytes);
            try
            {
                if (clock.ElapsedTicks % 10 == 0)
                    Score(model);
            }
            finally
            {
                (model as IDisposable)?.Dispose();
            }
            return "loads";
        }
        catch (ModelFormatException e)
        {
            return e.InnerException is null
                ? "refused before ML.NET"
                : string.Join(" < ", Causes(e).Skip(1).Select(cause => cause.GetType().Name));
        }
        finally
        {
            Assert.IsLessThan(16L * 1024 * 1024, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.IsLessThan(TimeSpan.FromSeconds(60), clock.Elapsed); // ten minutes, once
        }
    }

    private static void Score(ITransformer model)
    {
        try
        {
            var scored = model.Transform(TinyImages.View(Ml, 2));
            using var rows = scored.GetRowCursor(scored.Schema);
            while (rows.MoveNext())
            {
                // Reading ahead scores.
            }
        }
        catch (ArgumentOutOfRangeException)
        {
            // A flipped bit made it a sound model of other images or columns.
        }
    }

    private static ITransformer Load(byte[] bytes) => Ml.Model.LoadResNet(new MemoryStream(bytes), out _);

    private static void Count(SortedDictionary<string, int> kinds, string kind) => kinds[kind] = kinds.GetValueOrDefault(kind) + 1;

    private static IEnumerable<Exception> Causes(Exception? error)
    {
        for (; error is not null; error = error.InnerException)
            yield return error;
    }
}
