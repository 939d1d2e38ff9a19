using System.Text;
using Microsoft.ML.ResNet.Tests.Images;
using Samples.Shards;

namespace Microsoft.ML.ResNet.Tests.Shards;

/// <summary>Files of shards, and sets of them.</summary>
[TestClass]
public class ShardFileTests
{
    [TestMethod]
    public void What_was_written_reads_back()
    {
        var path = Write(NewOutput(), 3, 16, "results", "notes");

        var file = ShardFile.Open(path);

        Assert.EndsWith("out.csv.shard-03-of-16", path);
        Assert.AreEqual((new ImageShard(3, 16), 5L), (file.Origin.Part, file.Images));
        Assert.AreEqual(("results", "notes"), (Text(file.OpenResults()), Text(file.OpenNotes())));
        Assert.IsNull(Origin(3, 16).DifferenceOfSame(file.Origin));
        Assert.HasCount(1, Directory.GetFileSystemEntries(Path.GetDirectoryName(path)!));
    }

    [TestMethod]
    public void Every_damaged_byte_and_every_cut_is_noticed()
    {
        var path = Write(NewOutput(), 0, 1, "results", "notes");
        var whole = File.ReadAllBytes(path);
        for (var i = 0; i < whole.Length; i++)
        {
            var damaged = whole.ToArray();
            damaged[i] ^= 1;
            AssertDamaged(damaged);
            AssertDamaged(whole[..i]);
        }
        AssertDamaged([.. whole, .. whole]);
        AssertDamaged([.. whole, (byte)'\n']);
        AssertDamaged(Encoding.UTF8.GetBytes(new string('x', 200_000) + "\n{}\n"));

        void AssertDamaged(byte[] content)
        {
            File.WriteAllBytes(path, content);
            var exception = Assert.ThrowsExactly<InvalidDataException>(() => ShardFile.Open(path));
            Assert.Contains(path, exception.Message);
            Assert.Contains("pass --overwrite", exception.Message);
        }
    }

    [TestMethod]
    public void A_failed_write_leaves_the_file_of_before_and_nothing_else()
    {
        var path = Write(NewOutput(), 0, 1, "results", "notes");
        var before = File.ReadAllBytes(path);

        Assert.ThrowsExactly<IOException>(() => ShardFile.Write(path, Origin(0, 1), stream =>
        {
            stream.Write(new byte[100_000]);
            throw new IOException("No space left on device");
        }));

        CollectionAssert.AreEqual(before, File.ReadAllBytes(path));
        Assert.HasCount(1, Directory.GetFileSystemEntries(Path.GetDirectoryName(path)!));
    }

    [TestMethod]
    public void What_a_killed_process_has_left_is_deleted_and_what_another_writes_is_not()
    {
        var path = ShardFile.PathOf(NewOutput(), new(0, 2));
        var (folder, name) = (Path.GetDirectoryName(path)!, Path.GetFileName(path));
        var left = Path.Combine(folder, $".{name}.1.unfinished");
        var others = Path.Combine(folder, $".{name.Replace("-0-", "-1-", StringComparison.Ordinal)}.1.unfinished");
        File.WriteAllText(left, "half");
        File.WriteAllText(others, "half of another shard");
        Assert.AreNotEqual(left, others);

        ShardFile.Write(path, Origin(0, 2), stream =>
        {
            Write(Path.Combine(folder, "out.csv"), 0, 2, "the same shard, by another process", "");
            stream.Write("mine"u8);
            return 1;
        });

        Assert.IsFalse(File.Exists(left));
        Assert.IsTrue(File.Exists(others));
        Assert.AreEqual("mine", Text(ShardFile.Open(path).OpenResults()));
    }

    [TestMethod]
    public void A_whole_set_comes_in_order()
    {
        var output = NewOutput();
        foreach (var shard in Enumerable.Range(0, 12).Reverse())
            Write(output, shard, 12, $"{shard} ", "");
        File.WriteAllText($"{output}.shard-of-cheese", "no shard");
        File.WriteAllText($"{output}.shard-1-of-2.bak", "no shard");

        var set = ShardSet.Of(output);

        Assert.AreEqual("0 1 2 3 4 5 6 7 8 9 10 11 ", string.Concat(set.Files.Select(file => Text(file.OpenResults()))));
    }

    [TestMethod]
    public void What_is_wrong_with_a_set_is_said()
    {
        AssertWrong(_ => { }, "There is no shard of", "out.csv.shard-0-of-2");
        AssertWrong(output =>
        {
            Write(output, 1, 5, "", "");
            Write(output, 3, 5, "", "");
        }, "3 of 5 shards are missing: 0, 2, 4. Run the same command with --shard I/5");
        AssertWrong(output => File.WriteAllText($"{output}.shard-7-of-999999999", ""), "999999998 of 999999999", "0, 1, 2,", "and more");
        AssertWrong(output => File.WriteAllText($"{output}.shard-2-of-2", ""), "cannot be");
        AssertWrong(output =>
        {
            Write(output, 0, 2, "", "");
            Write(output, 1, 2, "", "");
            Write(output, 0, 3, "", "");
        }, "shards of 2 and of 3");
        AssertWrong(output => File.Copy(Write(output, 0, 1, "", ""), $"{output}.shard-00-of-1"), "Shard 0 is there twice",
            "shard-00-of-1'");
        AssertWrong(output => File.Copy(Write(output, 0, 2, "", ""), $"{output}.shard-1-of-2"), "is shard 0/2, not 1/2");
        AssertWrong(output => File.WriteAllText(Write(output, 0, 1, "", ""), "something else\n"),
            "is named as a finished shard and is none");
        foreach (var (change, expected) in new (Func<ShardOrigin, ShardOrigin>, string)[]
        {
            (origin => origin with { Model = "fedcba9876543210" }, "another model: SHA-256 fedcba987654... instead of 0123456789ab..."),
            (origin => origin with { Data = "other" }, "other images"),
            (origin => origin with { Version = "0.0.1" }, "another version of the program: 0.0.1 instead of "),
            (origin => origin with { Verb = "evaluate" }, "another verb: 'evaluate' instead of 'predict'"),
            (origin => origin with { Options = new() { ["--top"] = "5" } }, "another --top: 5 instead of 3"),
            (origin => origin with { Options = [] }, "another --top: none instead of 3"),
        })
            AssertWrong(output =>
            {
                Write(output, 0, 2, "", "");
                ShardFile.Write(ShardFile.PathOf(output, new(1, 2)), change(Origin(1, 2)), _ => 0);
            }, "shard-1-of-2' does not belong with", expected);
    }

    private static void AssertWrong(Action<string> prepare, params string[] parts)
    {
        var output = NewOutput();
        prepare(output);
        var exception = Assert.ThrowsExactly<InvalidDataException>(() => ShardSet.Of(output));
        foreach (var part in parts)
            Assert.Contains(part, exception.Message);
    }

    private static string NewOutput() => Path.Combine(ImageSamples.NewFolder(), "out.csv");

    private static string Write(string output, int shard, int of, string results, string notes)
    {
        var path = ShardFile.PathOf(output, new(shard, of));
        ShardFile.Write(path, Origin(shard, of), stream =>
        {
            stream.Write(Encoding.UTF8.GetBytes(results));
            return 5;
        }, stream => stream.Write(Encoding.UTF8.GetBytes(notes)));
        return path;
    }

    private static ShardOrigin Origin(int shard, int of) => new()
    {
        Verb = "predict",
        Shard = shard,
        Of = of,
        Model = "0123456789abcdef",
        Options = new() { ["--top"] = "3" },
        Data = "names",
        Content = $"content of {shard}",
    };

    private static string Text(Stream stream)
    {
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
