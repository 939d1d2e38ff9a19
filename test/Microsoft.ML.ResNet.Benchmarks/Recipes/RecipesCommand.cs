using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.Runtime;

namespace Benchmarks.Recipes;

/// <summary>
/// The verb <c>recipes</c>: trains variants of recipes on real images, with several seeds each, and prints what they come to. The seed goes
/// round slowest, so that every variant has one result before any has two.
/// </summary>
internal static class RecipesCommand
{
    private static readonly Option<string> Data = new("--data")
    {
        Description = "A folder or zip with the part train and, without --held-out, the part test.",
        Required = true
    };
    private static readonly Option<string> Architecture = new("--architecture")
    {
        Description = "A name, or channels of the stem and CHANNELS,BLOCKS,STRIDE of each stage: 16:48,1,2:96,1,2:192,1,2 is quick-8.",
        DefaultValueFactory = _ => "cifar-20",
    };
    private static readonly Option<int?> TrainRows = new("--train-rows") { Description = "Images to learn from; all if left out." };
    private static readonly Option<int?> Epochs =
        new("--epochs") { Description = "Epochs of every variant; the recipe's own if left out." };
    private static readonly Option<int[]> Seeds = new("--seeds")
    {
        DefaultValueFactory = _ => [1, 2, 3],
        AllowMultipleArgumentsPerToken = true
    };
    private static readonly Option<string[]> Variants =
        new("--variants")
        {
            Description = "Recipes, the first to compare the others with, such as fast, tutorial, fast+cutout=0.",
            Required = true,
            AllowMultipleArgumentsPerToken = true
        };
    private static readonly Option<string> Output =
        new("--output") { Description = "The file of results; what it holds already is not measured again.", Required = true };
    private static readonly Option<bool> HeldOut = new("--held-out")
    {
        Description = "Measures on a tenth of the training images, which are not learned from: to choose among recipes by."
    };
    private static readonly Option<int?> Threads = new("--threads");
    private static readonly Option<bool> NoCpuKernels = new("--no-fused-training") { Description = "Trains by libtorch and autograd." };
    private static readonly Option<bool> TableOnly = new("--table-only") { Description = "Trains nothing: only sums up the file." };

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var command = new Command("recipes", "Test accuracy of training recipes, on real images and over seeds.") { Data, Architecture,
            TrainRows, Epochs, Seeds, Variants, Output, HeldOut, Threads, NoCpuKernels, TableOnly };
        command.SetAction(Run);
        return command;
    }

    private static void Run(ParseResult options)
    {
        ResNetRuntime.Configure(
            new ResNetRuntimeOptions
            {
                Threads = options.GetValue(Threads),
                Numerics = new() { CpuKernelsForTraining = !options.GetValue(NoCpuKernels) },
            });
        var mlContext = new MLContext(seed: 1);
        mlContext.Log += (_, message) =>
        {
            if (message is { Kind: ChannelMessageKind.Warning, Source: var source }
                && source.StartsWith(nameof(ResNetTrainer), StringComparison.Ordinal))
                throw new InvalidOperationException($"Not a fair measurement: {message.RawMessage}"); // rows left out, say
        };
        var architecture = ArchitectureText.Parse(options.GetValue(Architecture)!);
        var variants = options.GetValue(Variants)!.Select(RecipeVariant.Parse)
            .Select(variant => variant with
            {
                Recipe = variant.Recipe with { NumberOfEpochs = options.GetValue(Epochs) ?? variant.Recipe.NumberOfEpochs }
            }).ToList();
        var results = new RecipeResults(options.GetValue(Output)!);
        var rows = options.GetValue(TrainRows) ?? 0;
        var named = architecture.Name.StartsWith("custom-", StringComparison.Ordinal)
            ? options.GetValue(Architecture)
            : architecture.Name;
        var measured = named + (options.GetValue(HeldOut) ? ", held out" : "");
        if (!options.GetValue(TableOnly))
            Measure(mlContext, options, architecture, measured, variants, results, rows);
        foreach (var line in results.Table(variants, measured, rows))
            Console.WriteLine(line);
    }

    private static void Measure(MLContext mlContext, ParseResult options, ResNetArchitecture architecture, string measured,
        List<RecipeVariant> variants, RecipeResults results, int rows)
    {
        var images = new Lazy<RecipeImages>(() => RecipeImages.Load(mlContext, options.GetValue(Data)!, options.GetValue(TrainRows),
            options.GetValue(HeldOut)));
        foreach (var seed in options.GetValue(Seeds)!)
            foreach (var variant in variants)
                if (!results.Has(variant, measured, rows, seed))
                    results.Add(Train(mlContext, images.Value, architecture, measured, variant, rows, seed));
    }

    private static RecipeResult Train(MLContext mlContext, RecipeImages images, ResNetArchitecture architecture, string measured,
        RecipeVariant variant, int rows, int seed)
    {
        EpochReport? last = null;
        var clock = Stopwatch.StartNew();
        using var model = mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = architecture,
            Recipe = variant.Recipe,
            Seed = seed,
            MetricsCallback = report => last = report,
        }).Fit(images.Train);
        var seconds = clock.Elapsed.TotalSeconds;
        var metrics = mlContext.MulticlassClassification.Evaluate(model.Transform(images.Test));
        Console.Error.WriteLine(
            string.Create(CultureInfo.InvariantCulture,
            $"{variant.Name} seed {seed}: accuracy {metrics.MicroAccuracy:f4}, log loss {metrics.LogLoss:f4}, {seconds:f0} s"));
        return new(variant.Name, measured, rows, seed, metrics.MicroAccuracy, metrics.LogLoss, last!.TrainLoss, seconds,
            variant.Recipe.ToString());
    }
}
