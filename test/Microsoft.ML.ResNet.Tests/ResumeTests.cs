using System.Globalization;
using Microsoft.ML.ResNet.Fitting;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.Trainers;

namespace Microsoft.ML.ResNet.Tests;

/// <summary>A training that was stopped and goes on ends with the weights of one that never stopped, to the last bit.</summary>
[TestClass]
public class ResumeTests
{
    private const int Epochs = 4, Rows = 61; // 4 steps an epoch, the last of another size

    private string _folder = "";

    [TestInitialize]
    public void MakeFolder() => _folder = Path.Combine(TestAssembly.TemporaryFolder, $"resume-{Guid.NewGuid():n}");

    [TestMethod]
    public void Stopped_after_every_epoch_it_ends_with_the_same_weights()
    {
        var uninterrupted = Fit(new Sgd { Nesterov = true }, folder: null)!;

        for (var epoch = 1; epoch < Epochs; epoch++)
            Assert.IsNull(Fit(new Sgd { Nesterov = true }, _folder, stopAfterEpoch: epoch), "it was stopped");

        CollectionAssert.AreEqual(uninterrupted, Fit(new Sgd { Nesterov = true }, _folder)!);
    }

    [TestMethod]
    public void A_finished_training_is_not_trained_again()
    {
        var first = Fit(new Sgd(), _folder)!;
        CollectionAssert.AreEqual(first, Fit(new Sgd(), _folder, stopAfterEpoch: 1)!); // no epoch is left to stop after
    }

    [TestMethod]
    public void A_damaged_newest_checkpoint_falls_back_to_the_one_before_with_a_warning()
    {
        var uninterrupted = Fit(new Sgd(), folder: null)!;
        Fit(new Sgd(), _folder, stopAfterEpoch: 2);
        var newest = Directory.GetFiles(_folder).Order().Last();
        var bytes = File.ReadAllBytes(newest);
        bytes[^100] ^= 1;
        File.WriteAllBytes(newest, bytes);

        var log = new List<string>();
        CollectionAssert.AreEqual(uninterrupted, Fit(new Sgd(), _folder, log: log)!);

        Assert.ContainsSingle(log.Where(line => line.Contains("is damaged and is passed over", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void A_checkpoint_of_another_training_is_refused_and_the_difference_named()
    {
        Fit(new Sgd(), _folder, stopAfterEpoch: 1);

        var error = Assert.ThrowsExactly<InvalidOperationException>(() => Fit(new Sgd { Momentum = 0.8 }, _folder));

        StringAssert.Contains(
            error.Message, "Optimizer is Sgd(Momentum 0.8, Nesterov False), in the checkpoint Sgd(Momentum 0.9, Nesterov False)");
        Assert.IsNotEmpty(Directory.GetFiles(_folder), "nothing is lost");
    }

    [TestMethod]
    public void Checkpoints_that_nobody_asked_to_resume_are_not_overwritten()
    {
        Fit(new Sgd(), _folder, stopAfterEpoch: 1);
        var before = Directory.GetFiles(_folder).Order().ToArray();

        var error = Assert.ThrowsExactly<InvalidOperationException>(() => Fit(new Sgd(), _folder, resume: false));

        StringAssert.Contains(error.Message, "Set Resume");
        CollectionAssert.AreEqual(before, Directory.GetFiles(_folder).Order().ToArray());
    }

    [TestMethod]
    public void A_folder_that_cannot_be_written_to_is_a_warning_and_training_goes_on()
    {
        File.WriteAllText(_folder, "a file where the folder should be");
        var log = new List<string>();

        var weights = Fit(new Sgd(), _folder, log: log);

        Assert.IsNotNull(weights);
        Assert.IsTrue(log.Exists(line => line.Contains("The checkpoint could not be written", StringComparison.Ordinal)));
        Assert.AreEqual("a file where the folder should be", File.ReadAllText(_folder));
    }

    [TestMethod]
    public void A_folder_that_cannot_be_written_to_is_known_before_the_first_epoch()
    {
        File.WriteAllText(_folder, "a file where the folder should be");
        var log = new List<string>();
        Fit(new Sgd(), _folder, stopAfterEpoch: 1, log: log);
        Assert.IsTrue(log.TakeWhile(line => !line.Contains("Training cifar-8", StringComparison.Ordinal))
            .Any(line => line.Contains("CheckpointDirectory cannot be written to", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void A_damaged_checkpoint_is_named_once_also_where_the_seed_is_read_from_it()
    {
        Fit(new Sgd(), _folder, stopAfterEpoch: 2, seed: null);
        File.WriteAllBytes(Directory.GetFiles(_folder).Order().Last(), [1, 2, 3]);
        var log = new List<string>();
        Fit(new Sgd(), _folder, log: log, seed: null);
        Assert.ContainsSingle(log.Where(line => line.Contains("is damaged and is passed over", StringComparison.Ordinal)));
    }

    [TestMethod]
    [DynamicData(nameof(SmallDifferences))]
    public void Every_value_of_the_recipe_counts_however_it_prints_itself(object one, object other)
    {
        Assert.AreNotEqual(ValueFingerprint.Describe(one), ValueFingerprint.Describe(other));
        var culture = CultureInfo.CurrentCulture;
        try
        {
            var here = ValueFingerprint.Describe(one);
            CultureInfo.CurrentCulture = new CultureInfo("de-DE");
            Assert.AreEqual(here, ValueFingerprint.Describe(one), "in another culture");
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    private static LearningRateSchedule Scheduled(LearningRateScheduler scheduler)
        => MLNetSchedule.Bind(TrainingRecipe.Tutorial with { Schedule = scheduler.ToSchedule() }, stepsPerEpoch: 3).Schedule;

    public static IEnumerable<object[]> SmallDifferences =>
    [
        [new AdamW(), new AdamW { Epsilon = 1e-3 }],
        [new WarmUpSchedule(0.1, new CosineSchedule()), new WarmUpSchedule(0.1, new CosineSchedule()) { Start = 0.9 }],
        [Scheduled(new LsrDecay()), Scheduled(new LsrDecay(0.5f))],
        [new EarlyStopping { Patience = 5, MinimumChange = 0.001 }, new EarlyStopping { Patience = 5, MinimumChange = 0.002 }],
        [ResNetArchitecture.Cifar(8), ResNetArchitecture.Cifar(8) with { StemWidth = 15 }],
        [AugmentationPolicy.Create(new RandomCrop(1)), AugmentationPolicy.Create(new RandomCrop(2))],
    ];

    [TestMethod]
    public void A_fingerprint_is_of_public_properties_by_name_and_not_of_how_a_type_keeps_its_values()
        => Assert.AreEqual("Kept(Sum 5, Value 2)", ValueFingerprint.Describe(new Kept(2, 3)));

    private sealed class Kept(int first, int second)
    {
        private readonly int _second = second;

        public int Value { get; } = first;

        public int Sum => Value + _second;
    }

    /// <summary>What a whole checkpoint may lack or hold, and what the message says of it.</summary>
    public static IEnumerable<object[]> Forgeries =>
    [
        ["no state", "no training state"],
        ["state: null", "is null"],
        ["state: {}", "missing required properties"],
        ["state: []", "cannot be read"],
        ["state: {", "cannot be read"],
        ["History: null", "cannot be read"],
        ["History: []", "its history is not of 1 to 2"],
        ["History: [null,null]", "its history is not of 1 to 2"],
        ["Epoch: -1", "counts -1 epochs"],
        ["Epoch: 3", "its history is not of 1 to 3"],
        ["Step: -5", "-5 steps"],
        ["Step: 2", "has seen 0 images"],
        ["OptimizerSteps: -1", "-1 steps altogether"],
        ["Running: {\"Loss\":0,\"Right\":0,\"Rows\":-4}", "has seen -4 images"],
        ["Best: {\"Best\":null,\"Milestone\":null,\"EpochsSinceMilestone\":0,\"BestNumber\":9}", "the best is number 9"],
        ["without weights/fc.weight", "not of the same names"],
        ["without weights/fc.weight, best/fc.weight", "missing: 'fc.weight'"],
        ["reshaped weights/fc.weight, best/fc.weight", "fc.weight"],
        ["without best/fc.weight", "not of the same names"],
        ["reshaped best/fc.weight", "not of the same names"],
        ["without average/fc.weight", "no average of 'fc.weight'"],
        ["reshaped average/fc.weight", "fc.weight"],
        ["reshaped optimizer/momentum.fc.weight", "momentum.fc.weight"],
        ["renamed optimizer/momentum.fc.weight", "no such weight is trained"],
    ];

    [TestMethod]
    public void A_forged_checkpoint_is_one_exception_that_names_the_file()
    {
        Fit(new Sgd(), _folder, stopAfterEpoch: 2);
        var whole = new CheckpointFolder(_folder).ReadNewest(Assert.Fail)!;
        foreach (var forgery in Forgeries)
        {
            Forge(whole, (string)forgery[0]);
            var error = Assert.ThrowsExactly<InvalidOperationException>(() => Fit(new Sgd(), _folder), (string)forgery[0]);
            StringAssert.Contains(error.Message, $"The checkpoint '{whole.Path}' is whole, but training cannot go on from it");
            StringAssert.Contains(error.Message, (string)forgery[1], (string)forgery[0]);
        }
        Forge(whole, "nothing");
        Assert.IsNotNull(Fit(new Sgd(), _folder), "what was not forged goes on");
    }

    // Writes a checkpoint in the place of another one, with a right checksum.
    private void Forge(Checkpoint whole, string forgery)
    {
        var metadata = whole.Metadata.Where(pair => pair.Key != "sha256").ToDictionary();
        var state = System.Text.Json.Nodes.JsonNode.Parse(metadata["training"])!.AsObject();
        if (forgery == "no state")
            metadata.Remove("training");
        else if (forgery.Split(": ", 2) is [var member, var json])
        {
            if (member != "state")
                state[member] = System.Text.Json.Nodes.JsonNode.Parse(json);
            metadata["training"] = member == "state" ? json : state.ToJsonString();
        }
        var (verb, names) = forgery.Split(' ', 2) is [var first, var rest] ? (first, rest.Split(", ")) : ("", []);
        var tensors = whole.Tensors.Where(tensor => verb != "without" || !names.Contains(tensor.Name))
            .Select(tensor => names.Contains(tensor.Name) ? Changed(tensor) : tensor).ToList();
        new CheckpointFolder(_folder).Write(state["OptimizerSteps"]!.GetValue<long>() is > 0 and var step ? step : 8, metadata, tensors);

        NamedTensor Changed(NamedTensor tensor) => verb == "renamed"
            ? tensor with { Name = "optimizer/unknown" }
            : tensor with { Shape = [tensor.ElementCount] };
    }

    [TestMethod]
    public void More_epochs_are_another_training_and_the_message_says_how_to_go_on()
    {
        Fit(new Sgd(), _folder);
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => Fit(new Sgd(), _folder, epochs: Epochs + 1));
        StringAssert.Contains(error.Message, "NumberOfEpochs is 5, in the checkpoint 4");
        StringAssert.Contains(error.Message, "To train a finished model for more epochs, set InitialModel to it.");
    }

    [TestMethod]
    public void A_second_training_in_the_same_folder_is_refused_while_the_first_runs_undisturbed()
    {
        var undisturbed = Fit(new Sgd(), folder: null)!;
        InvalidOperationException? error = null;

        var weights = Fit(new Sgd(), _folder, onEpoch: epoch => error = epoch == 2
            ? Assert.ThrowsExactly<InvalidOperationException>(() => Fit(new Sgd(), _folder))
            : error)!;

        StringAssert.Contains(error!.Message, $"Another training is running with the CheckpointDirectory '{_folder}'");
        StringAssert.Contains(error.Message, "a folder of its own");
        CollectionAssert.AreEqual(undisturbed, weights);
        Assert.IsTrue(Directory.GetFiles(_folder).All(path => path.EndsWith(".safetensors", StringComparison.Ordinal)), "no lock is left");
    }

    [TestMethod]
    public void A_lock_that_a_killed_process_left_locks_nothing()
    {
        Directory.CreateDirectory(_folder);
        File.WriteAllText(Path.Combine(_folder, ".resnet-training.lock"), "");
        Assert.IsNotNull(Fit(new Sgd(), _folder));
        Assert.IsFalse(File.Exists(Path.Combine(_folder, ".resnet-training.lock")));
    }

    [TestMethod]
    public void A_training_without_a_seed_resumes_with_the_seed_of_its_checkpoint()
    {
        Assert.IsNull(Fit(new Sgd(), _folder, stopAfterEpoch: 1, seed: null));
        Assert.IsNotNull(Fit(new Sgd(), _folder, seed: null));
    }

    [TestMethod]
    public void Damaged_checkpoints_do_not_push_out_new_ones()
    {
        Fit(new Sgd(), _folder, stopAfterEpoch: 3);
        foreach (var path in Directory.GetFiles(_folder))
            File.WriteAllBytes(path, [1, 2, 3]);

        Fit(new Sgd(), _folder, stopAfterEpoch: 1); // from the beginning, with a lower number

        Assert.ContainsSingle(Directory.GetFiles(_folder, "*.safetensors"));
        Assert.HasCount(2, Directory.GetFiles(_folder, "*.damaged"));
    }

    // The final weights, or null if training was stopped.
    private static byte[]? Fit(Optimizer optimizer, string? folder, int? stopAfterEpoch = null, List<string>? log = null,
        bool resume = true, int? seed = 3, int epochs = Epochs, Action<int>? onEpoch = null)
    {
        var ml = new MLContext(seed);
        ml.Log += (_, e) => log?.Add(e.Message);
        var data = ml.Transforms.Conversion.MapValueToKey("Label").Fit(TinyImages.View(ml, Rows)).Transform(TinyImages.View(ml, Rows));
        using var cancellation = new CancellationTokenSource();
        var options = TinyImages.Options(epochs);
        options.Recipe = options.Recipe with
        {
            Optimizer = optimizer,
            Augmentation = [new RandomCrop(1), new HorizontalFlip()],
            WeightAverageDecay = 0.9,
            LearningRate = 0.01
        };
        options.CheckpointDirectory = folder;
        options.Resume = folder is not null && resume;
        options.CancellationToken = cancellation.Token;
        options.MetricsCallback = report =>
        {
            if (report.Epoch == stopAfterEpoch)
                cancellation.Cancel();
            onEpoch?.Invoke(report.Epoch);
        };
        try
        {
            using var model = ml.MulticlassClassification.Trainers.ResNet(options).Fit(data, data);
            return [.. model.Model.Network.Weights.SelectMany(tensor => tensor.Data.ToArray())];
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }
}
