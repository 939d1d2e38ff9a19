using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.Runtime;
using static Microsoft.ML.ResNet.Tests.Support.SharedTraining;

namespace Microsoft.ML.ResNet.Tests.Distributed;

/// <summary>Several processes end with the weights of one, bit for bit. Here they are threads, so that every machine runs this.</summary>
[TestClass]
public class SharedTrainingTests
{
    private const int Rows = 61; // no multiple of anything: the last batch is of another size

    [TestMethod]
    [DynamicData(nameof(Networks))]
    public void Any_number_of_ranks_ends_with_the_weights_of_one(string name, ResNetTrainer.Options options)
    {
        var alone = Hash(options, group: null);

        foreach (var size in new[] { 2, 3, 4, 8 })
            foreach (var (rank, hash) in ThreadGroup.Run(size, group => Hash(options, group)).Index())
                Assert.AreEqual(alone, hash, $"{name}, rank {rank} of {size}");
    }

    [TestMethod]
    [DynamicData(nameof(Recipes))]
    public void Whatever_the_recipe_asks_for(string name, ResNetTrainer.Options options)
    {
        var alone = Hash(options, group: null);

        foreach (var size in new[] { 2, 3 })
            foreach (var (rank, hash) in ThreadGroup.Run(size, group => Hash(options, group)).Index())
                Assert.AreEqual(alone, hash, $"{name}, rank {rank} of {size}");
    }

    [TestMethod]
    [DynamicData(nameof(LargeBatches))]
    public void The_weights_do_not_tell_how_many_threads_there_were_even_of_large_batches(string name, ResNetTrainer.Options options)
    {
        ResNetRuntime.EnsureStarted();
        var threads = TorchSharp.torch.get_num_threads();
        try
        {
            var hashes = new[] { 1, 2, 3 }.Select(count =>
            {
                TorchSharp.torch.set_num_threads(count);
                return Hash(options, group: null, rows: 300);
            }).Distinct().ToArray();
            Assert.HasCount(1, hashes, name);
            var mixed = ThreadGroup.Run(2, group =>
            {
                group.BeforeExchange = () => TorchSharp.torch.set_num_threads(group.Rank + 1); // of the thread that trains
                return Hash(options, group, rows: 300);
            });
            CollectionAssert.AreEqual(new[] { hashes[0], hashes[0] }, mixed, $"{name}: a rank of one thread beside one of two");
        }
        finally
        {
            TorchSharp.torch.set_num_threads(threads);
        }
    }

    [TestMethod]
    public void Four_ranks_that_were_stopped_go_on_as_two_and_then_as_one()
    {
        var folder = Path.Combine(TestAssembly.TemporaryFolder, $"shared-{Guid.NewGuid():n}");
        var options = Options(ResNetArchitecture.Cifar(8), epochs: 4);
        var uninterrupted = Hash(options, group: null);

        options.CheckpointDirectory = folder;
        options.Resume = true;
        foreach (var size in new[] { 4, 2 })
            foreach (var (_, failure) in ThreadGroup.RunAll(size, group => StoppedAfterAnEpoch(options, group, Rows)))
                Assert.IsInstanceOfType<OperationCanceledException>(failure, $"{failure}");

        Assert.HasCount(2, Directory.GetFiles(folder));
        Assert.AreEqual(uninterrupted, Hash(options, group: null));
    }

    [TestMethod]
    public void Each_rank_keeps_its_part_of_the_images()
    {
        var bytes = ThreadGroup.Run(3, group =>
        {
            using var set = ReadShared(group);
            Assert.AreEqual(Rows, set.Store.Count);
            return set.Store.BytesInMemory!.Value;
        });

        Assert.AreEqual((long)Rows * TinyImages.Shape.Size, bytes.Sum());
        Assert.IsLessThanOrEqualTo((Rows / 3 + 1) * TinyImages.Shape.Size, bytes.Max());
    }

    [TestMethod]
    public void Batches_that_go_to_a_device_come_from_all_ranks()
    {
        long[] rows = [60, 3, 17, 4, 8];
        int[][] places = [[0, 3], [], [1, 2, 4]];
        ThreadGroup.Run(3, group =>
        {
            using var set = ReadShared(group);
            using var hosted = new HostedPixelStore(set.Store, TorchSharp.torch.CPU);
            Assert.AreSame(set.Store.Owners, hosted.Owners);
            using var all = hosted.PixelsOf(rows);
            using var own = hosted.PixelsOf(new RowShares(rows, places, group.Rank));
            var images = TinyImages.Rows(Rows);
            CollectionAssert.AreEqual(rows.SelectMany(row => images[(int)row].Features).ToArray(), all.bytes.ToArray());
            CollectionAssert.AreEqual(places[group.Rank].SelectMany(place => images[(int)rows[place]].Features).ToArray(),
                own.numel() == 0 ? [] : own.bytes.ToArray());
            return true;
        });
    }

    [TestMethod]
    public void Too_many_ranks_for_the_shards_are_told_what_to_set()
    {
        var options = Options(ResNetArchitecture.Cifar(8));
        options.Recipe = options.Recipe with { BatchShards = 2 };

        foreach (var (_, failure) in ThreadGroup.RunAll(3, group => Hash(options, group)))
            Assert.Contains("Set BatchShards of the recipe to 3 or more", failure!.Message);
    }

    [TestMethod]
    public void A_rank_with_other_options_is_named_by_all()
    {
        foreach (var (_, failure) in ThreadGroup.RunAll(3, group =>
        {
            var options = Options(ResNetArchitecture.Cifar(8));
            options.Recipe = options.Recipe with { LearningRate = group.Rank == 2 ? 0.03 : 0.05 };
            return Hash(options, group);
        }))
            Assert.Contains("Rank 2 of 3 differs from rank 0: LearningRate is 0.03 there, and 0.05 at rank 0", failure!.Message);
    }

    [TestMethod]
    public void A_rank_whose_callback_throws_ends_all()
    {
        var outcomes = ThreadGroup.RunAll(2, group =>
        {
            var options = Options(ResNetArchitecture.Cifar(8));
            options.MetricsCallback = _ => throw new InvalidDataException("enough");
            return Hash(options, group);
        });

        Assert.IsInstanceOfType<InvalidDataException>(outcomes[0].Failure, "rank 0 alone is called back");
        Assert.Contains("rank 0: enough", outcomes[1].Failure!.Message);
    }

    [TestMethod]
    public void What_a_step_exchanges_is_what_the_model_says()
    {
        const int Batch = 16, Size = 2, Shards = 8, Features = 64;
        int[] channels = [16, 16, 16, 32, 32, 32, 64, 64, 64]; // of cifar-8, with its two projections
        int[] inputs = [3, 16, 16, 16, 32, 16, 32, 64, 32], places = [9, 9, 9, 9, 9, 1, 9, 9, 1];
        var log = new List<string>();
        ThreadGroup.Run(Size, group =>
        {
            var options = Options(ResNetArchitecture.Cifar(8));
            return Hash(options, group, group.Rank == 0 ? log : null, rows: 4 * Batch);
        }, latency: TimeSpan.FromMilliseconds(2));

        var told = Regex.Match(string.Join(' ', log), "taken ([0-9.]+) exchanges, ([0-9,]+) bytes sent, ([0-9,]+) microseconds a step");
        Assert.IsTrue(told.Success, string.Join(Environment.NewLine, log));
        var (exchanges, bytes, time) = (Number(1), Number(2), Number(3));
        Assert.AreEqual(2 * channels.Length + 4, exchanges, "two for each normalisation; pixels, features, and two for the weights");
        Assert.IsGreaterThanOrEqualTo(2000 * exchanges, time, "of latency");
        var length = channels.Zip(inputs, places).Sum(layer => layer.First * layer.Second * layer.Third);
        var model = 32 * channels.Sum() * Shards / Size * (Size - 1) + 4 * Features * Batch / Size * (Size - 1)
            + 4 * length * 2 * (Size - 1) / Size;
        Assert.IsGreaterThanOrEqualTo(model, bytes);
        Assert.IsLessThanOrEqualTo(model + Batch / Size * TinyImages.Shape.Size, bytes, "and the pixels of images that others keep");

        double Number(int group) => double.Parse(told.Groups[group].Value, NumberStyles.Number, CultureInfo.InvariantCulture);
    }

    public static IEnumerable<object[]> Networks =>
    [
        ["narrow", Options(ResNetArchitecture.Cifar(8))],
        ["wide, with max pooling",
            Options(ResNetArchitecture.ImageNet(18) with { StemWidth = 16, Stages = [new(16, 1, 1), new(128, 1, 2)] })],
        ["wide, by Winograd", Options(ResNetArchitecture.Cifar(8) with { Stages = [new(16, 1, 1), new(80, 1, 2)] })],
        ["wide, few images", FewImages()],
        ["other widths", Options(ResNetArchitecture.Cifar(8) with { StemWidth = 20, Stages = [new(20, 1, 1), new(72, 1, 2)] })],
        ["biases, and shortcuts without normalisation", Options(
            ResNetArchitecture.D2l18() with { StemWidth = 16, Stages = [new(16, 1, 1), new(32, 1, 2)] })],
        ["option A", Options(ResNetArchitecture.Cifar(8) with { Shortcut = ResNetShortcut.Padding })],
        ["bottlenecks", Options(ResNetArchitecture.ImageNet(50) with { StemWidth = 16, Stages = [new(16, 1, 1), new(64, 1, 2)] })],
    ];

    // Of batches of five some ranks have no image; weights are met block by block at 4x4 pixels, and by tiles at 8x8.
    private static ResNetTrainer.Options FewImages()
    {
        var options = Options(ResNetArchitecture.Cifar(8) with { Stages = [new(80, 1, 1), new(96, 1, 2)] });
        options.Recipe = options.Recipe with { BatchSize = 5 };
        return options;
    }

    public static IEnumerable<object[]> LargeBatches
    {
        get
        {
            var whole = Options(ResNetArchitecture.Cifar(8));
            whole.Recipe = whole.Recipe with { BatchSize = 128, GradientClipNorm = 0.5 }; // libtorch shares out both
            yield return ["all layers", whole];

            var head = Options(ResNetArchitecture.Cifar(8));
            head.ValidationSetFraction = 0.2;
            head.InitialModel = Start.Value;
            head.FrozenStages = 3;
            head.Recipe = TrainingRecipe.LinearProbe with { NumberOfEpochs = 3, BatchSize = 128 };
            yield return ["a head on frozen layers", head];
        }
    }

    public static IEnumerable<object[]> Recipes
    {
        get
        {
            var everything = Options(ResNetArchitecture.Cifar(8));
            everything.ValidationSetFraction = 0.3;
            everything.Recipe = everything.Recipe with
            {
                Augmentation = [new RandomCrop(2), new HorizontalFlip(),
                    new ColorJitter { Brightness = 0.3, Contrast = 0.3 }, new Cutout(3)],
                Mix = new CutMix(),
                MicroBatchSize = 7,
                ClassBalance = ClassBalance.Balanced,
                GradientClipNorm = 1,
                WeightAverageDecay = 0.9,
                TestTimeFlip = true,
                LabelSmoothing = 0.1,
            };
            yield return ["mixtures, pieces, validation", everything];

            var spilt = Options(ResNetArchitecture.Cifar(8));
            spilt.ImageMemoryBudgetMiB = 0;
            spilt.Recipe = spilt.Recipe with { BatchSize = 3, BatchShards = 5, NumberOfEpochs = 1 };
            yield return ["images in a file, batches smaller than the shards", spilt];

            var behindOthers = Options(StartOfOtherWidths.Value.Architecture);
            behindOthers.InitialModel = StartOfOtherWidths.Value;
            behindOthers.FrozenStages = 1;
            behindOthers.Recipe = spilt.Recipe; // some ranks have no image
            yield return ["frozen to a width that is no multiple of 16", behindOthers];

            foreach (var (name, stages, recipe) in new[]
            {
                ("frozen, with random views", 1, spilt.Recipe with { Augmentation = [new RandomCrop(2)], BatchSize = 16 }),
                ("a head on cached features", 3, TrainingRecipe.LinearProbe with { NumberOfEpochs = 2, BatchSize = 16 }),
                ("frozen, with cached views", 2,
                    spilt.Recipe with { Augmentation = [new RandomCrop(2)], CachedViews = 2, BatchSize = 16, NumberOfEpochs = 3 }),
            })
            {
                var frozen = Options(ResNetArchitecture.Cifar(8));
                frozen.ValidationSetFraction = 0.3;
                frozen.InitialModel = Start.Value;
                frozen.FrozenStages = stages;
                frozen.Recipe = recipe;
                yield return [name, frozen];
            }
        }
    }

    private static LabeledImageSet ReadShared(ProcessGroup group)
    {
        var ml = new MLContext(seed: 1);
        var rows = TinyImages.View(ml, Rows);
        var keyed = ml.Transforms.Conversion.MapValueToKey("Label").Fit(rows).Transform(rows);
        var columns = TinyImages.Options().TrainingColumns.Find(((IHostEnvironment)ml).Register("test"), keyed.Schema);
        return LabeledImageSet.Read(keyed, columns, new ImageRequest(null, ImageGeometry.Fill), ImageMemory.Of(null, null), () => { },
            out _, group)!;
    }

    // Of all weights, with the figures of every epoch to the last bit.
    private static string Hash(ResNetTrainer.Options options, ProcessGroup? group, List<string>? log = null, int rows = Rows)
    {
        using var model = Fit(options, group, rows, log);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tensor in model.Model.Network.Weights)
            hash.AppendData(tensor.Data.Span);
        return string.Join(' ', model.TrainingHistory.Select(report => string.Create(CultureInfo.InvariantCulture,
            $"{report.TrainLoss:r} {report.TrainAccuracy:r} {report.ValidationLoss:r} {report.ValidationAccuracy:r}"))
            .Append(Convert.ToHexStringLower(hash.GetHashAndReset())));
    }
}
