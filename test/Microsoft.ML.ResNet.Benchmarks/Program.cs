using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Benchmarks.Recipes;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;

// Measures one thing in one process and prints one number, so that a script can run variants and peers in turn; see build/bench.
var architecture = new Option<string>("--architecture") { DefaultValueFactory = _ => "cifar-20" };
var batchSize = new Option<int>("--batch-size") { DefaultValueFactory = _ => 128 };
var size = new Option<int>("--size") { Description = "Rows and columns of the images.", DefaultValueFactory = _ => 32 };
var steps = new Option<int>("--steps") { Description = "Steps in one epoch.", DefaultValueFactory = _ => 10 };
var rounds = new Option<int>("--rounds") { Description = "Epochs after the first, which warms up.", DefaultValueFactory = _ => 3 };
var threads = new Option<int?>("--threads");
var noChannelsLast = new Option<bool>("--no-channels-last");
var noBoundSpinning = new Option<bool>("--no-bound-spinning");
var noLargeBlocks = new Option<bool>("--no-large-blocks");
var noFusedTraining = new Option<bool>("--no-fused-training");
var frozenStages = new Option<int?>("--frozen-stages")
{
    Description = "The stem and so many stages stay as they are; 0 is the stem alone."
};
var device = new Option<ComputeDevice>("--device") { DefaultValueFactory = _ => ComputeDevice.Cpu };
var precision = new Option<TrainingPrecision>("--precision") { Description = "Full or BFloat16." };
var noDirectScoring = new Option<bool>("--no-direct-scoring") { Description = "Scores with libtorch." };
var train = new Command("train", "Images per second of Fit on images in memory, the median of the rounds.") { architecture, batchSize,
    size, steps, rounds, threads, noChannelsLast, noBoundSpinning, noLargeBlocks, noFusedTraining, device, precision, frozenStages };
var score = new Command("score", "Images per second of Transform, the median of the rounds.") { architecture, size, steps, rounds,
    threads, noChannelsLast, noBoundSpinning, noLargeBlocks, noDirectScoring, device, precision };
var predict = new Command("predict", "Milliseconds of one prediction, the median of the rounds.") { architecture, size, rounds,
    threads, noChannelsLast, noBoundSpinning, noLargeBlocks, noDirectScoring, device, precision };
train.SetAction(Run(Train));
score.SetAction(Run(Score));
predict.SetAction(Run(Predict));
var kinds = new Command(
    "kinds", "Images per second of Transform and of PredictionEngine for each kind of image column.") { architecture, rounds };
kinds.SetAction(result => ColumnKinds.Measure(ArchitectureText.Parse(result.GetValue(architecture)!), 2560, result.GetValue(rounds)));
var rows = new Option<int>("--rows") { Description = "Images of 3x32x32.", DefaultValueFactory = _ => 340_000 };
var budget = new Option<int?>("--budget") { Description = "Memory for images, in MiB." };
var seconds = new Option<int>("--seconds")
{
    Description = "When to stop training; it ends after an epoch if that is sooner.",
    DefaultValueFactory = _ => 60
};
var stream =
    new Command("stream",
    "Resident memory, second by second, while images are read and learnt; columns: seconds, MiB resident, MiB at the peak, phase.") { rows,
    budget, seconds };
stream.SetAction(result => MemoryCurve.Measure(result.GetValue(rows), result.GetValue(budget), result.GetValue(seconds)));
var microBatchSize = new Option<int?>("--micro-batch-size");
var step = new Command("step", "Seconds of one step of Fit, the last of the rounds, and the most MiB that the process had resident.") {
    architecture, batchSize, microBatchSize, rounds, size, device, precision };
step.SetAction(Step);
return new RootCommand("Measures the library.")
{
    train, score, predict, kinds, stream, step, RecipesCommand.Create(),
    PlainLoop.Verb(architecture, batchSize, steps, rounds), BareLoop.Verb(architecture, batchSize, steps, rounds),
    FirstPrediction.ModelVerb(architecture), FirstPrediction.LoadVerb(), FirstPrediction.LoadOnnxVerb(),
    OnnxComparison.Verb(), OnnxService.Verb(), ReadingSpeed.Verb(), PiecesVerb.Verb(), DeviceVerb.Verb(device),
    KernelSpeeds.Verb(architecture, size),
}.Parse(args).Invoke();

Action<ParseResult> Run(Func<ParseResult, double> measure) => result =>
{
    ResNetRuntime.Configure(new ResNetRuntimeOptions
    {
        Threads = result.GetValue(threads),
        BoundSpinning = !result.GetValue(noBoundSpinning),
        KeepLargeBlocks = !result.GetValue(noLargeBlocks),
        Numerics = new()
        {
            ChannelsLast = !result.GetValue(noChannelsLast),
            CpuKernelsForTraining = !result.GetValue(noFusedTraining),
            CpuKernelsForScoring = !result.GetValue(noDirectScoring),
        },
    });
    Console.WriteLine(measure(result).ToString("f3", CultureInfo.InvariantCulture));
};

double Train(ParseResult result)
{
    var reports = new List<EpochReport>();
    Fit(result, result.GetValue(batchSize) * result.GetValue(steps), result.GetValue(rounds) + 1, result.GetValue(batchSize), reports.Add,
        frozen: result.GetValue(frozenStages)).Dispose();
    return Statistics.Median(reports.Skip(1).Select(report => report.ImagesPerSecond));
}

double Score(ParseResult result)
{
    var mlContext = new MLContext(seed: 1);
    using var model = Fit(result, 128, 1, 64, _ => { });
    var rows = Image.View(mlContext, 128 * result.GetValue(steps), result.GetValue(size));
    return Statistics.Median(Enumerable.Range(0, result.GetValue(rounds) + 1).Select(_ =>
    {
        var clock = Stopwatch.StartNew();
        var count = model.Transform(rows).GetColumn<VBuffer<float>>("Score").Count();
        return count / clock.Elapsed.TotalSeconds;
    }).ToList().Skip(1));
}

double Predict(ParseResult result)
{
    var mlContext = new MLContext(seed: 1);
    using var model = Fit(result, 128, 1, 64, _ => { });
    using var engine = mlContext.Model.CreatePredictionEngine<Image, Scored>(model,
        inputSchemaDefinition: Image.Schema(result.GetValue(size)));
    var image = Image.Rows(1, result.GetValue(size)).First();
    return Statistics.Median(Enumerable.Range(0, result.GetValue(rounds) * 100).Select(_ =>
    {
        var clock = Stopwatch.StartNew();
        engine.Predict(image);
        return clock.Elapsed.TotalMilliseconds;
    }).ToList().Skip(50));
}

void Step(ParseResult result)
{
    var reports = new List<EpochReport>();
    Fit(result, result.GetValue(batchSize), result.GetValue(rounds), result.GetValue(batchSize), reports.Add,
        result.GetValue(microBatchSize)).Dispose();
    Console.WriteLine(
        FormattableString.Invariant($"{result.GetValue(batchSize) / reports[^1].ImagesPerSecond:f2} s, {PeakMemory.Mebibytes():f0} MiB"));
}

ResNetTransformer Fit(ParseResult result, int count, int epochs, int batch, Action<EpochReport> onEpoch, int? microBatch = null,
    int? frozen = null)
{
    var mlContext = new MLContext(seed: 1);
    using var before = frozen is null ? null : Fit(result, batch, epochs: 1, batch, _ => { }); // something to freeze
    return mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
    {
        Architecture = ArchitectureText.Parse(result.GetValue(architecture)!),
        Recipe = TrainingRecipe.Tutorial with
        {
            NumberOfEpochs = epochs,
            BatchSize = batch,
            LearningRate = 0.01,
            MicroBatchSize = microBatch,
            Precision = result.GetValue(precision),
        },
        Device = result.GetValue(device),
        InitialModel = before?.Model,
        FrozenStages = frozen,
        MetricsCallback = onEpoch,
    }).Fit(Image.View(mlContext, count, result.GetValue(size)));
}

/// <summary>A random image of one of ten classes.</summary>
internal sealed class Image
{
    [VectorType(3, 32, 32)]
    public byte[] Features { get; set; } = [];

    [KeyType(10)]
    public uint Label { get; set; }

    public static IDataView View(MLContext mlContext, int count, int size = 32)
        => mlContext.Data.LoadFromEnumerable(Rows(count, size).ToList(), Schema(size));

    public static SchemaDefinition Schema(int size)
    {
        var schema = SchemaDefinition.Create(typeof(Image));
        schema[nameof(Features)].ColumnType = new VectorDataViewType(NumberDataViewType.Byte, 3, size, size);
        return schema;
    }

    public static IEnumerable<Image> Rows(int count, int size = 32)
    {
        var random = new Random(1);
        for (var row = 0; row < count; row++)
        {
            var image = new Image { Features = new byte[3 * size * size], Label = (uint)(row % 10) };
            random.NextBytes(image.Features);
            yield return image;
        }
    }
}

/// <summary>What a prediction gives.</summary>
internal sealed class Scored
{
    public float[] Score { get; set; } = [];
}

/// <summary>Robust summaries.</summary>
internal static class Statistics
{
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }
}
