using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Reporting;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Cpu.Kernels;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;

namespace Microsoft.ML.ResNet.Tests.Persistence;

/// <summary>
/// Every operation on a file fails once, and every one from some on fails for good: in every save, every reader, a training with
/// checkpoints and history, and its resume. Every block of our kernels' memory is refused once. What the user had
/// is there afterwards, and what is said is what is documented.
/// </summary>
[TestClass]
public class FaultMatrixTests
{
    private const int Rows = 16, Epochs = 3; // one step an epoch

    private static readonly MLContext Ml = new(seed: 1);

    private static readonly ResNetArchitecture OneBlock = ResNetArchitecture.Cifar(8) with { Stages = [new(16, 1, 1)] };

    private static readonly ResNetArchitecture TwoBlocks = OneBlock with { Stages = [new(16, 2, 1)] };

    private static readonly Lazy<ResNetModelParameters> InitialModel
        = new(() => new ResNetTransformer(Ml, SavedModel.Create(OneBlock), SavedModel.Columns).Model);

    private string _folder = "";

    [TestInitialize]
    public void MakeFolder()
        => _folder = Directory.CreateDirectory(Path.Combine(TestAssembly.TemporaryFolder, $"faults-{Guid.NewGuid():n}")).FullName;

    /// <summary>Every way to save, and the name of the file.</summary>
    public static IEnumerable<object[]> Savers =>
    [
        ["SaveResNet", "model.zip"], ["SaveSafetensors", "weights.safetensors"], ["SavePyTorch", "weights.pth"], ["SaveOnnx", "model.onnx"],
        ["HistoryCsv", "history.csv"], ["CheckpointFolder", "checkpoint-000000000007.safetensors"],
    ];

    [TestMethod]
    [DynamicData(nameof(Savers))]
    public void A_failing_save_leaves_the_file_of_before_and_no_crumb(string saver, string name)
    {
        var path = Path.Combine(_folder, name);
        using var model = new ResNetTransformer(Ml, SavedModel.Create(), SavedModel.Columns);
        var faults = 0;
        foreach (var forGood in new[] { false, true })
            foreach (var before in new[] { null, "what the user had" })
                faults += ForEveryOperation(forGood, () =>
                {
                    foreach (var file in Directory.GetFiles(_folder))
                        File.Delete(file);
                    if (before is not null)
                        File.WriteAllText(path, before);
                }, () => Save(saver, model, path), (error, failed) =>
                {
                    if (saver == "CheckpointFolder" && error is null)
                    {
                        Assert.IsTrue(failed is "list" or "delete", $"{failed} went unnoticed"); // the next checkpoint removes what is left
                        return;
                    }
                    Assert.IsInstanceOfType<IOException>(error, $"{saver}, {failed}");
                    StringAssert.Contains(error.Message, "No space left");
                    if (failed != "make folder")
                        StringAssert.Contains(error.Message, $"'{path}' was not written");
                    if (File.Exists(path))
                        Assert.AreEqual(before, File.ReadAllText(path), failed);
                    else
                        Assert.IsNull(before, $"{failed} lost the file");
                    if (!forGood) // what a dead disk does not delete, nobody can
                        Assert.HasCount(before is null ? 0 : 1, Directory.GetFileSystemEntries(_folder), failed);
                });
        Report(saver, faults);
    }

    /// <summary>Every way to read.</summary>
    public static IEnumerable<object[]> Readers =>
        [["LoadResNet"], ["LoadResNetWeights of safetensors"], ["LoadResNetWeights of PyTorch"], ["CheckpointFolder"]];

    [TestMethod]
    [DynamicData(nameof(Readers))]
    public void A_failing_read_is_an_error_of_the_disk_and_never_of_the_file(string reader)
    {
        var path = Path.Combine(_folder, "file");
        using (var model = new ResNetTransformer(Ml, SavedModel.Create(), SavedModel.Columns))
            Save(reader switch
            {
                "LoadResNet" => "SaveResNet",
                "LoadResNetWeights of safetensors" => "SaveSafetensors",
                "LoadResNetWeights of PyTorch" => "SavePyTorch",
                _ => reader,
            }, model, path);
        var before = Snapshot();
        var faults = ForEveryOperation(forGood: false, () => { }, () => Read(reader, path), (error, failed) =>
        {
            Assert.IsInstanceOfType<IOException>(error, $"{reader}, {failed}: {error}");
            StringAssert.Contains(error.Message, "No space left");
            CollectionAssert.AreEqual(before, Snapshot(), failed);
        });
        Report(reader, faults);
    }

    [TestMethod]
    public void A_training_goes_on_whatever_fails_of_its_checkpoints_and_history()
    {
        var undisturbed = Fit(folder: null)!;
        var faults = ForEveryOperation(forGood: false, Clear, () =>
        {
            CollectionAssert.AreEqual(undisturbed, Fit(_folder)!);
            return true;
        }, (error, failed) =>
        {
            if (failed == "list" && error is IOException) // whether there is something to go on from is not known
                Assert.IsEmpty(Directory.GetFiles(_folder));
            else
                Assert.IsNull(error, $"{failed}: {error}");
            AssertWhole(failed);
        });
        foreach (var at in new[] { 2, 5, 10, 20 })
        {
            Clear();
            using var files = new FailingFileOperations(at, forGood: true);
            CollectionAssert.AreEqual(undisturbed, Fit(_folder)!);
            Assert.IsNotNull(files.Failed);
        }
        Report("Fit", faults + 4);
    }

    [TestMethod]
    public void A_resume_goes_on_from_the_newest_checkpoint_or_fails_and_leaves_all_as_it_is()
    {
        var undisturbed = Fit(folder: null)!;
        Assert.IsNull(Fit(_folder, stopAfterEpoch: 2));
        var saved = Directory.GetFiles(_folder).ToDictionary(file => file, File.ReadAllBytes);
        var begun = 0;
        var faults = ForEveryOperation(forGood: false, () =>
        {
            Clear();
            foreach (var (path, bytes) in saved)
                File.WriteAllBytes(path, bytes);
        }, () =>
        {
            var log = new List<string>();
            CollectionAssert.AreEqual(undisturbed, Fit(_folder, log: log)!);
            Assert.ContainsSingle(log.Where(line => line.Contains("Resuming from", StringComparison.Ordinal)
                && line.Contains("2 epochs", StringComparison.Ordinal)), "from the newest, not from the beginning");
            begun++;
            return true;
        }, (error, failed) =>
        {
            AssertWhole(failed);
            if (error is null)
                return;
            Assert.IsInstanceOfType<IOException>(error, $"{failed}: {error}");
            Assert.IsTrue(failed is "list" or "open" or "read", failed);
            foreach (var (path, bytes) in saved)
                CollectionAssert.AreEqual(bytes, File.ReadAllBytes(path), failed);
        });
        Report("resume", faults);
        Assert.IsGreaterThan(0, begun);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void A_training_whose_kernels_are_refused_memory_says_so_and_leaves_all_that_was_there(bool resumes)
    {
        var faster = TrainingEngine.KernelsAreFaster;
        TrainingEngine.KernelsAreFaster = true;
        try
        {
            RefuseEveryBlock(resumes, (at, forGood) =>
            {
                var allocator = new CountingAllocator(at, forGood);
                return (new AllocatorScope(allocator), () => allocator.Failed);
            });
        }
        finally
        {
            TrainingEngine.KernelsAreFaster = faster;
        }
    }

    // Trains with the first block of memory refused, then with the second, to the last; and now and then with all from there on.
    private void RefuseEveryBlock(bool resumes, Func<int, bool, (IDisposable Scope, Func<bool> Failed)> refuse)
    {
        Clear();
        if (resumes)
            Assert.IsNull(Fit(_folder, stopAfterEpoch: 1, small: true));
        var saved = Directory.GetFiles(_folder).ToDictionary(file => file, File.ReadAllBytes);
        var (begun, explained, at) = (0, 0, 0);
        for (var failed = true; failed;)
        {
            at++;
            foreach (var forGood in at % 10 == 0 ? new[] { true, false } : [false])
            {
                Clear();
                foreach (var (path, bytes) in saved)
                    File.WriteAllBytes(path, bytes);
                var (scope, hasFailed) = refuse(at, forGood);
                Exception? error = null;
                try
                {
                    using (scope)
                        _ = Fit(_folder, small: true);
                }
                catch (Exception e)
                {
                    error = e;
                }
                failed = hasFailed();
                if (failed && error is not null)
                    AssertExplained(error, at);
                else
                    Assert.IsNull(error, $"block {at}: {error}");
                explained += error is null ? 0 : 1;
                begun += Directory.GetFiles(_folder).Length > saved.Count ? 1 : 0;
                AssertWhole($"block {at}");
                if (!Directory.GetFiles(_folder).Except(saved.Keys).Any()) // nothing new was finished: what was there is as it was
                    foreach (var (path, bytes) in saved.Where(file => !file.Key.EndsWith(".csv", StringComparison.Ordinal)))
                        CollectionAssert.AreEqual(bytes, File.ReadAllBytes(path), $"block {at}");
            }
        }
        Console.WriteLine($"{at - 1} blocks of kernels refused {(resumes ? "in resume" : "in Fit")}, {explained} explained");
        Assert.IsGreaterThan(at / 2, explained);
        Assert.IsGreaterThan(0, begun);
    }

    private static void AssertExplained(Exception error, int block)
    {
        Assert.IsInstanceOfType<InvalidOperationException>(error, $"block {block}: {error}");
        Assert.IsTrue(error.Message.Contains("too little memory to begin the training", StringComparison.Ordinal)
            || error.Message.Contains("Training ran out of memory", StringComparison.Ordinal), $"block {block}: {error}");
        Assert.IsNotNull(error.InnerException);
    }

    // Runs an action with its first operation failing, then its second, to the last.
    private static int ForEveryOperation(bool forGood, Action prepare, Func<object?> act, Action<Exception?, string> check)
    {
        for (var at = 1; ; at++)
        {
            prepare();
            using var files = new FailingFileOperations(at, forGood);
            Exception? error = null;
            try
            {
                (act() as IDisposable)?.Dispose();
            }
            catch (Exception e) when (e is not UnitTestAssertException)
            {
                error = e;
            }
            if (files.Failed is not { } failed)
                return error is null && at > 1 ? at - 1 : throw new AssertFailedException($"Nothing failed, but {error}.");
            files.Dispose();
            check(error, failed);
        }
    }

    private static object? Save(string saver, ResNetTransformer model, string path)
    {
        switch (saver)
        {
            case "SaveResNet":
                Ml.Model.SaveResNet(model, null, path);
                break;
            case "SaveSafetensors":
                model.SaveSafetensors(path);
                break;
            case "SavePyTorch":
                model.SavePyTorch(path);
                break;
            case "SaveOnnx":
                model.SaveOnnx(path);
                break;
            case "HistoryCsv":
                HistoryCsv.Write(path, SavedModel.History(3));
                break;
            default:
                new CheckpointFolder(Path.GetDirectoryName(path)!).Write(7, new Dictionary<string, string>(), model.Model.Network.Weights);
                break;
        }
        return null;
    }

    private object? Read(string reader, string path) => reader switch
    {
        "LoadResNet" => Ml.Model.LoadResNet(path, out _),
        "CheckpointFolder" => new CheckpointFolder(_folder).ReadNewest(Assert.Fail),
        _ => Ml.Model.LoadResNetWeights(path, new ResNetWeightsOptions
        {
            Architecture = SavedModel.Narrow,
            ClassNames = ["a", "b", "c"],
            ImageShape = new ImageShape(3, 8, 8),
        }),
    };

    // What is in the folder is ours and whole: checkpoints that can be read, a history with all of its lines, nothing else.
    private void AssertWhole(string failed)
    {
        foreach (var path in Directory.GetFiles(_folder))
        {
            if (Path.GetFileName(path) == "history.csv")
                Assert.IsTrue(File.ReadAllLines(path) is { Length: >= 2 and <= Epochs + 1 } lines
                    && lines.All(line => line.Split(',').Length == lines[0].Split(',').Length), failed);
            else if (path.EndsWith(SafeFile.Unfinished, StringComparison.Ordinal))
                Assert.AreEqual("delete", failed, path);
            else
                using (var stream = File.OpenRead(path))
                    Assert.IsNotEmpty(Safetensors.Read(stream, out _), failed);
        }
        Assert.IsLessThanOrEqualTo(failed is "list" or "delete" ? 4 : 3, Directory.GetFiles(_folder).Length, failed);
    }

    private string[] Snapshot() => [.. Directory.GetFiles(_folder).Order(StringComparer.Ordinal)
        .Select(path => $"{path} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)))}")];

    private void Clear()
    {
        foreach (var path in Directory.GetFiles(_folder))
            File.Delete(path);
    }

    private static void Report(string what, int faults) => Console.WriteLine($"{faults} faults in {what}");

    // The final weights, or null if training was stopped.
    private static byte[]? Fit(string? folder, int? stopAfterEpoch = null, List<string>? log = null, bool small = false)
    {
        var ml = new MLContext(seed: 3);
        ml.Log += (_, e) => log?.Add(e.Message);
        var data = ml.Transforms.Conversion.MapValueToKey("Label").Fit(TinyImages.View(ml, Rows)).Transform(TinyImages.View(ml, Rows));
        using var cancellation = new CancellationTokenSource();
        var options = TinyImages.Options(small ? 2 : Epochs);
        options.Architecture = TwoBlocks; // a checkpoint is a few writes
        if (small) // one block of 16 channels, that goes on from another model, with rows held out
        {
            options.Architecture = OneBlock;
            (options.InitialModel, options.ValidationSetFraction) = (InitialModel.Value, 0.25);
        }
        options.CheckpointDirectory = folder;
        options.Resume = folder is not null;
        options.HistoryFile = folder is null ? null : Path.Combine(folder, "history.csv");
        options.CancellationToken = cancellation.Token;
        options.MetricsCallback = report =>
        {
            if (report.Epoch == stopAfterEpoch)
                cancellation.Cancel();
        };
        try
        {
            using var model = ml.MulticlassClassification.Trainers.ResNet(options).Fit(data);
            return [.. model.Model.Network.Weights.SelectMany(tensor => tensor.Data.ToArray())];
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }
}
