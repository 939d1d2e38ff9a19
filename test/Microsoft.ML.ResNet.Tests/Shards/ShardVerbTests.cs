using System.CommandLine;
using System.Diagnostics;
using Microsoft.ML.ResNet.Tests.Images;
using Microsoft.ML.ResNet.Tests.Samples;
using Microsoft.ML.ResNet.Tests.Support;
using Samples.CommandLine;
using Samples.Verbs;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Shards;

/// <summary><c>predict</c> and <c>evaluate</c> by several processes, and <c>merge</c>.</summary>
[TestClass]
public class ShardVerbTests
{
    private static readonly int[] Divisions = [1, 2, 3, 7, 16];

    private static string _folder = "", _zip = "", _cifar = "", _archive = "", _model = "", _cifarModel = "", _otherModel = "";

    /// <summary>Thirteen pictures of three classes, one of which no model knows, and CIFAR records; a model of each.</summary>
    [ClassInitialize]
    public static void Train(TestContext _)
    {
        (string Name, byte[] Content)[] pictures =
        [
            .. Enumerable.Range(0, 13).Select(i => ($"{(i % 2 == 0 ? "lines" : "plain")}/{i:d2}, \"{i}\".png", Picture(i))),
            ("plain/cut.png", Picture(1)[..^300]), ("unheard of/1.png", Picture(2)),
        ];
        (_folder, _zip) = (ImageSamples.FolderOf(pictures), ImageSamples.NewFile("pictures.zip", ImageSamples.Zip(pictures)));
        (string, byte[])[] batches =
        [
            ("data_batch_1.bin", ImageSamples.Cifar10(1, 0, 1, 2, 0, 1)), ("data_batch_2.bin", ImageSamples.Cifar10(2, 2)),
            ("data_batch_3.bin", ImageSamples.Cifar10(3, 1, 0, 2, 1, 9)), ("test_batch.bin", ImageSamples.Cifar10(4, 2)),
        ];
        (_cifar, _archive) = (ImageSamples.FolderOf(batches), ImageSamples.NewFile("cifar.tar.gz", ImageSamples.TarGz(batches)));
        var ml = new MLContext(seed: 1);
        var learnt = ml.Data.LoadFromImageFolder(ImageSamples.FolderOf([.. pictures.Take(13)]), new() { Height = 16, Width = 16 });
        (_model, _otherModel) = (Fit(ml, learnt, epochs: 3), Fit(ml, learnt, epochs: 1));
        _cifarModel = Fit(ml, ml.Data.LoadFromCifarBinary(ImageSamples.NewFile("three.bin", ImageSamples.Cifar10(5, 0, 1, 2, 0, 1, 2))), 1);
    }

    [TestMethod]
    [Timeout(600_000)]
    public void Merged_evaluations_are_those_of_one_process_to_the_last_byte()
    {
        foreach (var (data, model) in new[]
        {
            (_folder, _model), (_zip, _model), (_cifar, _cifarModel), (_archive, _cifarModel), ($"{_cifar}#test", _cifarModel),
            (Path.Combine(_cifar, "data_batch_1.bin"), _cifarModel),
        })
        {
            string[] evaluate = ["evaluate", "--model", model, "--data", data, "--unreadable", "skip", "--output"];
            var whole = NewOutput();
            Do([.. evaluate, whole]);
            foreach (var count in Divisions)
            {
                var output = NewOutput();
                for (var shard = 0; shard < count; shard++)
                    Do([.. evaluate, output, "--shard", $"{shard}/{count}"]);
                Do("merge", output);
                Assert.AreEqual(File.ReadAllText(whole), File.ReadAllText(output), $"{count} parts of {data}");
            }
        }
    }

    [TestMethod]
    [Timeout(600_000)]
    [DataRow("csv", "3")]
    [DataRow("json", "1")]
    public void Merged_predictions_are_those_of_one_process_to_the_last_byte(string format, string top)
    {
        var (missing, pattern) = (Path.Combine(_folder, "missing.png"), Path.Combine(_folder, "lines", "*.png"));
        string[] predict = ["predict", _model, pattern, missing, _folder, "--format", format, "--top", top, "--output"];
        var whole = NewOutput();
        Do([.. predict, whole]);
        Assert.Contains("12, ", File.ReadAllText(whole));
        foreach (var count in Divisions.Append(40))
        {
            var output = NewOutput();
            for (var shard = 0; shard < count; shard++)
                Do([.. predict, output, "--shard", $"{shard}/{count}"]);
            Do("merge", output);
            Assert.AreEqual(File.ReadAllText(whole), File.ReadAllText(output), $"{count} parts");
        }
    }

    [TestMethod]
    [Timeout(300_000)]
    public void A_finished_part_is_not_scored_again_and_one_of_something_else_is_an_error()
    {
        var data = ImageSamples.FolderOf(
            [.. Enumerable.Range(0, 8).Select(i => ($"{(i % 2 == 0 ? "lines" : "plain")}/{i}.png", Picture(i)))]);
        var output = NewOutput();
        string[] evaluate = ["evaluate", "--data", data, "--output", output, "--shard", "0/2", "--model"];
        string[] predict = ["predict", "--output", output, "--shard", "0/2", data, "--model", _model];
        Do([.. evaluate, _model]);
        var part = $"{output}.shard-0-of-2";
        var (bytes, time) = (File.ReadAllBytes(part), File.GetLastWriteTimeUtc(part));

        Do([.. evaluate, _model]);
        Assert.AreEqual(time, File.GetLastWriteTimeUtc(part));

        Fails("another model: SHA-256 ", [.. evaluate, _otherModel]);
        Fails("another --unreadable: stop instead of skip", [.. evaluate, _model, "--unreadable", "skip"]);
        Fails("another verb: 'evaluate' instead of 'predict'", predict);
        var picture = Path.Combine(data, "lines", "0.png");
        var before = File.ReadAllBytes(picture);
        File.WriteAllBytes(picture, Picture(99));
        Fails("other contents of its images", [.. evaluate, _model]);
        File.WriteAllBytes(picture, before);
        File.WriteAllBytes(Path.Combine(data, "plain", "9.png"), Picture(9));
        Fails("other images: their names", [.. evaluate, _model]);
        File.Delete(Path.Combine(data, "plain", "9.png"));
        File.WriteAllBytes(part, bytes[..^10]);
        Fails("is named as a finished shard and is none", [.. evaluate, _model]);

        Do([.. evaluate, _model, "--overwrite"]);
        CollectionAssert.AreEqual(bytes, File.ReadAllBytes(part));

        var moved = ImageSamples.NewFolder();
        Directory.Move(data, Path.Combine(moved, "elsewhere"));
        Do("evaluate", "--data", Path.Combine(moved, "elsewhere"), "--output", output, "--shard", "1/2", "--model", _model);
        Do("merge", output);
    }

    [TestMethod]
    [Timeout(300_000)]
    public void Usage_that_cannot_be_is_one_line()
    {
        Fails("--shard leaves a part of the results in a file; expected --output FILE", "evaluate", "--model", _model, "--data", _folder,
            "--shard", "0/2");
        foreach (var wrong in new[] { "2/2", "-1/2", "1", "0/0", "1/2/3", "a/b" })
            Fails($"--shard is '{wrong}'; expected I/N with I from 0 to N-1", "predict", _model, _folder, "--output", NewOutput(),
                $"--shard={wrong}");
        Fails("--threads is '0'; expected a whole number, at least 1", "predict", _model, _folder, "--threads", "0");
        Fails("There is no shard of", "merge", NewOutput());
        Fails("none.zip' cannot be read; expected a model file", "evaluate", "--model", Path.Combine(_folder, "none.zip"), "--data",
            _folder, "--output", NewOutput(), "--shard", "0/2");
        var picture = Path.Combine(_folder, "unheard of", "1.png");
        Fails("which is one of the images", "predict", _model, picture, picture, "--output", picture, "--shard", "0/2");
        Fails("which lies among the images", "evaluate", "--model", _model, "--data", _folder, "--output",
            Path.Combine(_folder, "lines", "out"));
        var (output, missing) = (NewOutput(), Path.Combine(ImageSamples.NewFolder(), "missing.png"));
        for (var shard = 0; shard < 2; shard++)
            Do("predict", _model, missing, missing, "--output", output, "--shard", $"{shard}/2");
        Fails("None of the 2 files could be read", "merge", output);
        Fails("There is nothing to evaluate", Unknown());

        string[] Unknown()
        {
            var (other, data) = (NewOutput(), ImageSamples.FolderOf(("x/1.png", Picture(1)), ("y/2.png", Picture(2))));
            Do("evaluate", "--model", _model, "--data", data, "--output", other, "--shard", "0/1");
            return ["merge", other];
        }
    }

    [TestMethod]
    [Timeout(300_000)]
    public void Processes_that_score_one_part_or_several_at_a_time_do_not_disturb_each_other()
    {
        string[] predict = ["predict", _model, _folder, "--output"];
        var (whole, output) = (NewOutput(), NewOutput());
        var first = SampleProgram.Run([.. predict, whole, "--threads", "3"]);
        Assert.AreEqual(0, first.ExitCode, first.Errors);
        Process[] all = [.. new[] { 0, 1, 1, 2 }.Select(shard
            => Process.Start(SampleProgram.Start([.. predict, output, "--shard", $"{shard}/3", "--threads", "1"]))!)];
        foreach (var process in all)
            using (process)
            {
                _ = process.StandardOutput.ReadToEndAsync();
                var errors = process.StandardError.ReadToEnd();
                process.WaitForExit();
                Assert.AreEqual(0, process.ExitCode, errors);
            }

        Assert.HasCount(3, Directory.GetFiles(Path.GetDirectoryName(output)!));
        Do("merge", output);
        Assert.AreEqual(File.ReadAllText(whole), File.ReadAllText(output));
    }

    [TestMethod]
    [Timeout(600_000)]
    public void A_part_whose_process_was_killed_is_not_finished_and_scored_by_the_next()
    {
        var data = ImageSamples.NewFolder();
        var pictures = Directory.GetFiles(Path.Combine(_folder, "lines"));
        for (var i = 0; i < 4000; i++)
            File.CreateSymbolicLink(Path.Combine(data, $"{i:d4}.png"), pictures[i % pictures.Length]);
        string[] predict = ["predict", _model, data, "--output"];
        var (whole, output) = (NewOutput(), NewOutput());
        var folder = Path.GetDirectoryName(output)!;
        Do([.. predict, whole]);
        Do([.. predict, output, "--shard", "1/2"]);

        using (var killed = Process.Start(SampleProgram.Start([.. predict, output, "--shard", "0/2"]))!)
        {
            while (!Unfinished().Any(file => new FileInfo(file).Length > 2000) && !killed.HasExited)
                Thread.Sleep(1);
            killed.Kill(); // SIGKILL
            killed.WaitForExit();
            Assert.AreNotEqual(0, killed.ExitCode, "it was too fast to be killed");
        }
        Assert.HasCount(1, Unfinished());
        Assert.IsFalse(File.Exists($"{output}.shard-0-of-2"));
        Fails("1 of 2 shards are missing: 0.", "merge", output);

        Do([.. predict, output, "--shard", "0/2"]);
        Do([.. predict, output, "--shard", "1/2"]);
        Do("merge", output);
        Assert.AreEqual(File.ReadAllText(whole), File.ReadAllText(output));
        Assert.IsEmpty(Unfinished());

        string[] Unfinished() => Directory.GetFiles(folder, ".out.shard-*.unfinished");
    }

    [TestMethod]
    [Timeout(300_000)]
    public void A_disk_that_takes_no_more_and_a_place_that_cannot_be_written_are_one_line()
    {
        var file = ImageSamples.NewFile("file", []);
        Fails("is a file; expected a folder for", "evaluate", "--model", _model, "--data", _folder, "--shard", "0/2", "--output",
            Path.Combine(file, "out"));
        if (OperatingSystem.IsWindows())
            Assert.Inconclusive("A limit on the length of files stands for a full disk, which Windows has not.");
        var output = NewOutput();
        var start = SampleProgram.Start(["predict", _model, .. Enumerable.Repeat(Path.Combine(_folder, "lines"), 800), "--format", "json",
            "--output", output, "--shard", "0/1"]);
        // 512 KiB: enough for the model, which is unpacked, and too little for 5,600 predictions of 140 bytes.
        var limited = new ProcessStartInfo("bash", ["-c", "trap '' XFSZ; ulimit -f 512; exec dotnet \"$@\"", "bash", .. start.ArgumentList])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            Environment = { ["DOTNET_EnableWriteXorExecute"] = "0", ["DOTNET_EnableDiagnostics"] = "0" },
        };
        using var process = Process.Start(limited)!;
        _ = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();

        Assert.AreEqual(1, process.ExitCode, errors);
        Assert.Contains($"'{output}.shard-0-of-1' was not written, and the shard is not finished: ", errors);
        Assert.Contains("Make room and run it again.", errors);
        Assert.IsEmpty(Directory.GetFileSystemEntries(Path.GetDirectoryName(output)!));
    }

    [TestMethod]
    [Timeout(300_000)]
    public void A_launcher_says_which_part_it_is()
    {
        var output = NewOutput();
        (string, string)[] Rank(int rank) => [("OMPI_COMM_WORLD_RANK", $"{rank}"), ("OMPI_COMM_WORLD_SIZE", "2")];
        string[] evaluate = ["evaluate", "--json", "--unreadable", "skip", "--model", _model, "--data", _folder];

        var alone = SampleProgram.Run(Rank(0), evaluate);
        var first = SampleProgram.Run(Rank(0), [.. evaluate, "--output", output]);
        var second = SampleProgram.Run(Rank(1), [.. evaluate, "--output", output]);
        var merged = SampleProgram.Run("merge", output, "--json");
        var whole = SampleProgram.Run(evaluate);

        Assert.AreEqual(1, alone.ExitCode);
        Assert.Contains("rank 0 of 2", alone.ErrorLines.Single());
        Assert.AreEqual(("0/2", "1/2"), ((string)first.Json["shard"]!, (string)second.Json["shard"]!), first.Errors + second.Errors);
        Assert.IsTrue(File.Exists($"{output}.shard-1-of-2"));
        foreach (var key in "microAccuracy macroAccuracy logLoss top3Accuracy calibrationError images leftOut unreadable".Split(' '))
            Assert.AreEqual(whole.Json[key]!.ToJsonString(), merged.Json[key]!.ToJsonString(), key);
        Assert.AreEqual((13, 1, 1), ((int)whole.Json["images"]!, (int)whole.Json["leftOut"]!, (int)whole.Json["unreadable"]!));
        var tables = merged.Output.Split('\n').Where(line => line.Contains("accuracy") || line.Contains("lines")).ToArray();
        CollectionAssert.IsSubsetOf(tables.SkipLast(1).ToArray(), whole.Output.Split('\n'));
    }

    // In this process, as it takes a second to start another.
    private static int Run(params string[] arguments)
    {
        var root = new RootCommand("test") { Predict.Command(), Evaluate.Command(), Merge.Command() };
        return Runner.RunAsync(root, arguments).GetAwaiter().GetResult();
    }

    private static void Do(params string[] arguments) => Assert.AreEqual(0, Run(arguments), string.Join(' ', arguments));

    private static void Fails(string expected, params string[] arguments)
    {
        var (usual, errors) = (Console.Error, new StringWriter());
        Console.SetError(errors);
        try
        {
            Assert.AreNotEqual(0, Run(arguments), string.Join(' ', arguments));
        }
        finally
        {
            Console.SetError(usual);
        }
        Assert.Contains(expected, errors.ToString());
    }

    private static string NewOutput() => Path.Combine(ImageSamples.NewFolder(), "out");

    private static string Fit(MLContext ml, IDataView images, int epochs)
    {
        var options = TinyImages.Options(epochs);
        options.Recipe = options.Recipe with { BatchSize = 4 };
        var model = ml.Transforms.Conversion.MapValueToKey("Label").Append(ml.MulticlassClassification.Trainers.ResNet(options))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel")).Fit(images);
        var path = Path.Combine(ImageSamples.NewFolder(), "model.zip");
        ml.Model.SaveResNet(model, images.Schema, path);
        return path;
    }

    private static byte[] Picture(int seed)
    {
        var random = new Random(seed);
        return ImageSamples.Encode(40, 30, (_, y) =>
        {
            var grey = (byte)(random.Next(80, 120) + (seed % 2 == 0 && y / 3 % 2 == 0 ? 90 : 0));
            return new SKColor(grey, grey, (byte)(7 * seed));
        });
    }
}
