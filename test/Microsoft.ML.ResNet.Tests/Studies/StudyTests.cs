using System.Diagnostics;
using System.IO.Compression;
using System.Text.Json.Nodes;
using global::Samples.Studies;
using global::Samples.Synthetic;
using Microsoft.ML.ResNet.Tests.Samples;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Studies;

/// <summary><c>resnet study</c>: a grid that is killed and goes on, and what it says of its trainings.</summary>
[TestClass]
public class StudyTests
{
    private static readonly string[] Grid = ["--depths", "8", "--epochs", "2", "--batch-sizes", "32", "--seeds", "1,2", "--device", "cpu"];

    [TestMethod]
    [Timeout(600_000)]
    public void A_killed_study_goes_on_where_it_was_and_ends_as_one_that_never_stopped()
    {
        var data = Path.Combine(TestAssembly.TemporaryFolder, "study-figures");
        FigureSet.Write(data, trainImages: 200, testImages: 50, seed: 1);
        var (whole, killed) = (Path.Combine(TestAssembly.TemporaryFolder, "whole"), Path.Combine(TestAssembly.TemporaryFolder, "killed"));
        string[] study = ["study", "--data", data, "--validation", $"{data}#test", .. Grid, "--checkpoint-interval", "0.001", "--json"];

        var unbroken = SampleProgram.Run([.. study, "--output", whole]);
        using (var process = Process.Start(SampleProgram.Start([.. study, "--output", killed]))!)
        {
            var second = Path.Combine(killed, "cells", "cifar-8-e2-b32-s2", "checkpoints");
            while (!process.HasExited && !(Directory.Exists(second) && Directory.EnumerateFiles(second, "*.safetensors").Any()))
                Thread.Sleep(2);
            process.Kill(); // SIGKILL
            process.WaitForExit();
        }
        Assert.IsFalse(File.Exists(Result(killed, seed: 2)), "killed in the middle of the second training");
        var first = File.GetLastWriteTimeUtc(Path.Combine(killed, "cells", "cifar-8-e2-b32-s1", "model.zip"));
        var resumed = SampleProgram.Run([.. study, "--output", killed]);
        var again = SampleProgram.Run([.. study, "--output", killed]);

        Assert.AreEqual(0, unbroken.ExitCode, unbroken.Errors);
        Assert.AreEqual(0, resumed.ExitCode, resumed.Errors);
        Assert.AreEqual((2, 0), Counts(unbroken));
        Assert.AreEqual((1, 1), Counts(resumed));
        Assert.AreEqual((0, 2), Counts(again));
        Assert.AreEqual(first, File.GetLastWriteTimeUtc(Path.Combine(killed, "cells", "cifar-8-e2-b32-s1", "model.zip")));
        for (var seed = 1; seed <= 2; seed++)
        {
            CollectionAssert.AreEqual(Figures(Result(whole, seed)), Figures(Result(killed, seed)));
            CollectionAssert.AreEqual(Weights(whole, seed), Weights(killed, seed), "bit for bit");
            Assert.IsFalse(Directory.Exists(Path.Combine(killed, "cells", $"cifar-8-e2-b32-s{seed}", "checkpoints")));
        }
        Assert.AreEqual($"{unbroken.Json["means"]![0]!["accuracy"]}", $"{resumed.Json["means"]![0]!["accuracy"]}");
        Assert.HasCount(3, File.ReadAllLines(Path.Combine(killed, "study.csv")));
        foreach (var file in new[] { "study.html", "accuracy-seconds.png" })
            Assert.IsGreaterThan(1000, new FileInfo(Path.Combine(killed, file)).Length, file);

        var other = SampleProgram.Run([.. study, "--output", killed, "--learning-rate", "0.01"]);
        Assert.AreEqual(1, other.ExitCode);
        StringAssert.Contains(other.ErrorLines.Single(), "--output");
    }

    [TestMethod]
    [DataRow("--depths", "8,9", 1, "cifar-9")]
    [DataRow("--epochs", "0", 2, "--epochs is '0'")]
    [DataRow("--batch-sizes", "64,x", 2, "64,128")]
    [DataRow("--seeds", "", 2, "--seeds is ''")]
    public void A_grid_that_there_is_not_is_told_before_anything_is_trained(string option, string value, int exitCode, string says)
    {
        var data = Path.Combine(TestAssembly.TemporaryFolder, "few-figures");
        FigureSet.Write(data, trainImages: 20, testImages: 10, seed: 1);
        var output = Path.Combine(TestAssembly.TemporaryFolder, "none");

        var run = SampleProgram.Run("study", "--data", data, option, value, "--output", output);

        Assert.AreEqual(exitCode, run.ExitCode, run.Output);
        StringAssert.Contains(run.ErrorLines.Single(), says);
        Assert.IsFalse(Directory.Exists(output));
    }

    [TestMethod]
    public void A_cell_of_other_images_or_of_another_command_is_not_gone_on_with()
    {
        using var study = new StudyFolder(Path.Combine(TestAssembly.TemporaryFolder, "origins"));
        var (cell, origin) = (new StudyCell(8, 1, 32, 1), new StudyOrigin("resnet train", "1"));
        study.Begin(cell, origin);
        var checkpoints = Path.Combine(study.Path, "cells", cell.Name, "checkpoints");
        Assert.IsNull(study.Find(cell, origin with { Data = "2" }), "nothing is there to go on with");
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(checkpoints).FullName, "0001.safetensors"), "");
        Assert.IsNull(study.Find(cell, origin));
        Refused();

        File.WriteAllText(Path.Combine(study.Path, "cells", cell.Name, "history.csv"),
            "Epoch,ValidationAccuracy,ValidationLoss,TrainAccuracy,TrainLoss,Elapsed\n1,0.5,1,0.5,1,2\n");
        var result = study.Finish(cell, origin, epoch: 1, parameters: 3);
        Assert.AreEqual(result, study.Find(cell, origin));
        Refused();

        void Refused()
        {
            foreach (var (other, says) in new[] { (origin with { Data = "2" }, "other images"), (origin with { Command = "no" }, "'no'") })
            {
                var error = Assert.ThrowsExactly<InvalidDataException>(() => study.Find(cell, other)).Message;
                StringAssert.Contains(error, says);
                StringAssert.Contains(error, "another folder by --output");
            }
        }
    }

    [TestMethod]
    public void Means_and_spreads_are_over_seeds_alone()
    {
        StudyResult[] results =
        [
            Of(20, 5, 1, 0.5, seconds: 10), Of(20, 5, 2, 0.7, seconds: 20), Of(20, 5, 3, 0.6, seconds: 30), Of(20, 10, 1, 0.9, seconds: 40),
        ];

        var summaries = StudySummary.Of(results);

        Assert.HasCount(2, summaries);
        Assert.AreEqual(0.6, summaries[0].Accuracy, 1e-12);
        Assert.AreEqual(0.1, summaries[0].Spread!.Value, 1e-12); // the sample's: of -0.1, 0.1 and 0
        Assert.AreEqual(20, summaries[0].Seconds, 1e-12);
        Assert.AreEqual("0.6000 ± 0.1000", summaries[0].AccuracyText);
        Assert.IsNull(summaries[1].Spread);

        static StudyResult Of(int depth, int epochs, int seed, double accuracy, double seconds)
            => new(new StudyCell(depth, epochs, 64, seed), new("", ""), 1, epochs, accuracy, 1, 1, 1, seconds);
    }

    private static string Result(string study, int seed) => Path.Combine(study, "cells", $"cifar-8-e2-b32-s{seed}", "result.json");

    // All but the seconds.
    private static string[] Figures(string result)
        => [.. JsonNode.Parse(File.ReadAllText(result))!.AsObject().Where(entry => entry.Key != "seconds")
            .Select(entry => $"{entry.Value}")];

    private static byte[] Weights(string study, int seed)
    {
        using var zip = ZipFile.OpenRead(Path.Combine(study, "cells", $"cifar-8-e2-b32-s{seed}", "model.zip"));
        using var weights = zip.Entries.Single(entry => entry.Name == "weights.safetensors").Open();
        using var bytes = new MemoryStream();
        weights.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static (int Trained, int Skipped) Counts(SampleRun run) => ((int)run.Json["trained"]!, (int)run.Json["skipped"]!);
}
