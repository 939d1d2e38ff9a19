using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.ResNet;

/// <summary>Resident memory while images are read and learnt, second by second; Linux only.</summary>
internal static class MemoryCurve
{
    private const string Status = "/proc/self/status";

    /// <summary>
    /// Trains a tiny network on images that are made while they are read, and prints a line a second and one for the whole.
    /// </summary>
    /// <param name="rows">How many images of 3x32x32.</param>
    /// <param name="budgetInMiB">The memory budget of the images; <see langword="null"/> is the library's default.</param>
    /// <param name="seconds">When to stop training; it ends after an epoch if that is sooner.</param>
    public static void Measure(int rows, int? budgetInMiB, int seconds)
    {
        using var cancellation = new CancellationTokenSource();
        var mlContext = new MLContext(seed: 1);
        var phase = "reading";
        var clock = Stopwatch.StartNew();
        using var timer = new Timer(_ => Print(clock, phase), null, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        var trainer = mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = Tiny,
            Recipe = TrainingRecipe.Tutorial with { NumberOfEpochs = 1, LearningRate = 0.01 },
            Seed = 1,
            Device = ComputeDevice.Cpu,
            ImageMemoryBudgetMiB = budgetInMiB,
            MetricsCallback = report
                => phase = string.Create(CultureInfo.InvariantCulture,
                $"one epoch, loss {report.TrainLoss:f6}, {report.ImagesPerSecond:f0} images/s"),
            CancellationToken = cancellation.Token,
        });
        try
        {
            trainer.Fit(mlContext.Data.LoadFromEnumerable(Rows())).Dispose();
        }
        catch (OperationCanceledException)
        {
            phase = "part of an epoch";
        }
        Print(clock, phase);

        IEnumerable<Image> Rows()
        {
            foreach (var image in Image.Rows(rows))
                yield return image;
            phase = "training";
            cancellation.CancelAfter(TimeSpan.FromSeconds(seconds));
        }
    }

    // So small that reading the images is a large part of the work.
    private static ResNetArchitecture Tiny
        => ResNetArchitecture.Cifar(8) with { StemWidth = 4, Stages = [new(4, 1, stride: 2), new(8, 1, stride: 2), new(16, 1, stride: 2)] };

    private static void Print(Stopwatch clock, string phase)
        => Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalSeconds:f0}\t{MiB("VmRSS:")}\t{MiB("VmHWM:")}\t{phase}"));

    private static long MiB(string field)
    {
        var line = File.ReadLines(Status).First(line => line.StartsWith(field, StringComparison.Ordinal));
        return long.Parse(line.AsSpan(field.Length).TrimEnd("kB").Trim(), NumberStyles.None, CultureInfo.InvariantCulture) / 1024;
    }
}
