using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.ML.ResNet.Tests.Samples;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Distributed;

/// <summary>The samples' <c>train</c> under <c>mpirun</c>, of every MPI that is installed.</summary>
[TestClass]
public class MpiTests
{
    private const int Images = 90, RecordLength = 1 + 3 * 32 * 32;

    private static string _folder = "", _data = "", _other = "";

    /// <summary>Images of noise, each class of a brightness of its own.</summary>
    [ClassInitialize]
    public static void Draw(TestContext _)
    {
        _folder = Directory.CreateDirectory(Path.Combine(TestAssembly.TemporaryFolder, "mpi")).FullName;
        (_data, _other) = (Write("data.bin", Images), Write("other.bin", Images - 1));
    }

    public static IEnumerable<object[]> Launchers => [["mpirun.openmpi"], ["mpirun.mpich"]];

    [TestMethod]
    [DynamicData(nameof(Launchers))]
    [Timeout(600_000)]
    public void Two_and_four_processes_end_with_the_weights_of_one(string launcher)
    {
        var alone = SampleProgram.Run(Training(_data, "alone.zip"));
        Assert.AreEqual(0, alone.ExitCode, alone.Errors);

        foreach (var size in new[] { 2, 4 })
        {
            var run = Run(launcher, ["-n", $"{size}", .. Program(Training(_data, $"{size}.zip"))]);
            Assert.AreEqual(0, run.ExitCode, run.Errors);
            Assert.AreEqual(HashOf("alone.zip"), HashOf($"{size}.zip"), $"{size} processes");
            Assert.Contains($"rank 0 of {size}", run.Output.ReplaceLineEndings(" "), "what was exchanged is told, once");
        }
    }

    [TestMethod]
    [DynamicData(nameof(Launchers))]
    [Timeout(600_000)]
    public void Other_options_end_all_with_a_message_that_names_rank_and_difference(string launcher)
    {
        var run = Run(launcher, ["-n", "1", .. Program(Training(_data, "options.zip")),
            ":", "-n", "1", .. Program([.. Training(_data, "options.zip"), "--learning-rate", "0.03"])]);

        Assert.AreNotEqual(0, run.ExitCode);
        Assert.Contains("Rank 1 of 2 differs from rank 0: --learning-rate is 0.03 there, and 0.1 at rank 0",
            run.Errors.ReplaceLineEndings(" "));
    }

    [TestMethod]
    [DynamicData(nameof(Launchers))]
    [Timeout(600_000)]
    public void Other_data_ends_all_with_a_message_that_names_rank_and_difference(string launcher)
    {
        var run = Run(launcher, ["-n", "1", .. Program(Training(_data, "data.zip")),
            ":", "-n", "1", .. Program(Training(_other, "data.zip"))]);

        Assert.AreNotEqual(0, run.ExitCode);
        Assert.Contains($"Rank 1 of 2 differs from rank 0: the number of rows is {Images - 1} there, and {Images} at rank 0",
            run.Errors.ReplaceLineEndings(" "));
    }

    [TestMethod]
    [DynamicData(nameof(Launchers))]
    [Timeout(600_000)]
    public void A_killed_rank_ends_all_and_fewer_go_on_to_the_same_weights(string launcher)
    {
        var checkpoints = Path.Combine(_folder, $"checkpoints-{launcher}");
        string[] training = [.. Training(_data, $"resumed-{launcher}.zip", epochs: 6), "--checkpoints", checkpoints, "--resume"];
        using (var killed = Process.Start(Start(launcher, ["-n", "4", .. Program(training)]))!)
        {
            var (output, errors) = (killed.StandardOutput.ReadToEndAsync(), killed.StandardError.ReadToEndAsync());
            var isFound = SpinWait.SpinUntil(
                () => killed.HasExited || Directory.Exists(checkpoints) && Directory.GetFiles(checkpoints, "*.safetensors").Length > 0,
                TimeSpan.FromMinutes(4));
            Assert.IsTrue(isFound && !killed.HasExited, $"no checkpoint was written: {(killed.HasExited ? errors.Result : "")}");
            var ranks = RanksOf(killed.Id);
            Assert.HasCount(4, ranks);
            var clock = Stopwatch.StartNew();
            Process.GetProcessById(ranks[^1]).Kill();
            Assert.IsTrue(killed.WaitForExit(TimeSpan.FromSeconds(30)), "mpirun still runs");
            Assert.IsTrue(SpinWait.SpinUntil(() => ranks.TrueForAll(id => !Directory.Exists($"/proc/{id}")), TimeSpan.FromSeconds(30)));
            Assert.AreNotEqual(0, killed.ExitCode);
            Console.WriteLine($"ended after {clock.Elapsed.TotalSeconds:f1} s");
        }

        var resumed = Run(launcher, ["-n", "2", .. Program(training)]);
        var alone = SampleProgram.Run(Training(_data, $"alone-{launcher}.zip", epochs: 6));

        Assert.AreEqual(0, resumed.ExitCode, resumed.Errors);
        Assert.Contains("Resuming from", resumed.Output);
        Assert.AreEqual(0, alone.ExitCode, alone.Errors);
        Assert.AreEqual(HashOf($"alone-{launcher}.zip"), HashOf($"resumed-{launcher}.zip"));
    }

    [TestMethod]
    [DynamicData(nameof(Launchers))]
    [Timeout(600_000)]
    public void A_full_disk_at_rank_0_costs_the_checkpoints_alone(string launcher)
    {
        using var disk = SmallDisk.Mount(Path.Combine(_folder, $"checkpoints-small-{launcher}"), kibibytes: 64);

        var run = Run(launcher,
            ["-n", "2", .. Program([.. Training(_data, $"full-{launcher}.zip", epochs: 2), "--checkpoints", disk.Path])]);

        Assert.AreEqual(0, run.ExitCode, run.Errors);
        Assert.HasCount(3, run.Output.Split("The checkpoint could not be written"), $"one warning an epoch: {run.Output}");
        Assert.IsEmpty(Directory.GetFiles(disk.Path));
        Assert.IsTrue(File.Exists(Path.Combine(_folder, $"full-{launcher}.zip")));
    }

    [TestMethod]
    [DynamicData(nameof(Launchers))]
    [Timeout(600_000)]
    public void A_model_that_finds_no_room_ends_all_and_leaves_the_one_of_before(string launcher)
    {
        using var disk = SmallDisk.Mount(Path.Combine(_folder, $"small-{launcher}"), kibibytes: 64);
        var model = Path.Combine(disk.Path, "model.zip");
        File.WriteAllText(model, "the model of before");

        var run = Run(launcher, ["-n", "2", .. Program(Training(_data, model))]);

        Assert.AreNotEqual(0, run.ExitCode);
        Assert.Contains($"'{model}' was not written", run.Errors.ReplaceLineEndings(" "));
        Assert.AreEqual("the model of before", File.ReadAllText(model));
        Assert.HasCount(1, Directory.GetFiles(disk.Path));
    }

    [TestMethod]
    [DynamicData(nameof(Launchers))]
    [Timeout(600_000)]
    public void A_full_disk_at_rank_1_ends_all_and_the_rank_is_named(string launcher)
    {
        using var disk = SmallDisk.Mount(Path.Combine(_folder, $"spill-small-{launcher}"), kibibytes: 64);
        string[] training = [.. Training(_data, $"spilled-{launcher}.zip"), "--image-memory", "0", "--spill"];

        var run = Run(launcher, ["-n", "1", .. Program([.. training, _folder]), ":", "-n", "1", .. Program([.. training, disk.Path])]);

        Assert.AreNotEqual(0, run.ExitCode);
        Assert.Contains("Rank 1 of 2 has ended the training: The images need more memory than --image-memory grants, and "
            + $"'{disk.Path}' has no room for them", run.Errors.ReplaceLineEndings(" "));
    }

    private static string[] Training(string data, string model, int epochs = 1) =>
    [
        "train", "--data", data, "--architecture", "cifar-8", "--epochs", $"{epochs}", "--batch-size", "16",
        "--device", "cpu", "--validation-fraction", "0.2", "--output", Path.Combine(_folder, model),
    ];

    private static string[] Program(string[] arguments)
    {
        var start = SampleProgram.Start(arguments);
        return [start.FileName, .. start.ArgumentList];
    }

    private static ProcessStartInfo Start(string launcher, string[] arguments)
    {
        if (!File.Exists($"/usr/bin/{launcher}"))
            Assert.Inconclusive($"{launcher} is not installed (Debian: openmpi-bin, mpich).");
        string[] first = launcher.EndsWith("openmpi", StringComparison.Ordinal) ? ["--oversubscribe", "--bind-to", "none"] : [];
        var start = new ProcessStartInfo(launcher, [.. first, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        (start.Environment["OMPI_ALLOW_RUN_AS_ROOT"], start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"]) = ("1", "1");
        start.Environment["OMP_NUM_THREADS"] = "1"; // four processes on a few cores
        return start;
    }

    private static SampleRun Run(string launcher, string[] arguments)
    {
        using var process = Process.Start(Start(launcher, arguments))!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new(process.ExitCode, output, errors.Result);
    }

    // The processes below a launcher that run the samples.
    private static List<int> RanksOf(int launcher)
    {
        var parents = Process.GetProcesses().Select(process => (process.Id, Parent: ParentOf(process.Id))).ToList();
        var below = new List<int> { launcher };
        for (var i = 0; i < below.Count; i++)
            below.AddRange(parents.Where(process => process.Parent == below[i]).Select(process => process.Id));
        return below.FindAll(id => File.Exists($"/proc/{id}/cmdline")
            && File.ReadAllText($"/proc/{id}/cmdline").Split((char)0)[0].EndsWith("dotnet", StringComparison.Ordinal));
    }

    private static int ParentOf(int id)
    {
        try
        {
            return int.Parse(File.ReadAllText($"/proc/{id}/stat").Split(')')[^1].Split(' ')[2], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0; // gone
        }
    }

    private static string HashOf(string model)
    {
        using var network = new MLContext().Model.Load(Path.Combine(_folder, model), out _).FindResNet()!;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tensor in network.Model.Network.Weights)
            hash.AppendData(tensor.Data.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static string Write(string name, int images)
    {
        var random = new Random(1);
        var bytes = new byte[images * RecordLength];
        random.NextBytes(bytes);
        for (var image = 0; image < images; image++)
        {
            var record = bytes.AsSpan(image * RecordLength, RecordLength);
            record[0] = (byte)(image % 3);
            foreach (ref var pixel in record[1..])
                pixel = (byte)(pixel / 2 + 60 * (image % 3));
        }
        var path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
