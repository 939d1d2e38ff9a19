using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Data;
using TorchSharp;
using static TorchSharp.torch;

/// <summary>Images that lie on the device as a whole, against images that are moved there batch by batch.</summary>
internal static class DevicePixels
{
    private const double Tolerance = 2e-2; // of losses; the device may add in another order each time

    /// <summary>Compares bytes, losses and speed, and prints them.</summary>
    /// <returns>Whether the pixels were on the device, and both ways learnt the same.</returns>
    public static bool Check(ComputeDevice wanted, Device device)
    {
        var resident = Resident(device);
        var (whole, batches) = (Fit(wanted, budgetInMiB: null), Fit(wanted, budgetInMiB: 0));
        var difference = Math.Abs(whole.Loss - batches.Loss) / batches.Loss;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{(resident ? "the same bytes there" : "NOT the same bytes there")}; {whole.Speed:f0} images/s on the device, "
            + $"{batches.Speed:f0} batch by batch; losses differ by {difference:e1}"));
        return resident && difference <= Tolerance; // false for NaN
    }

    private static bool Resident(Device device)
    {
        using var scope = NewDisposeScope();
        using var builder = new PixelStoreBuilder(new(3, 32, 32));
        foreach (var row in Image.Rows(300))
        {
            row.Features.CopyTo(builder.NextImage);
            builder.Add((int)row.Label);
        }
        using var host = builder.Build();
        using var store = host.To(device);
        var rows = new ArraySegment<long>([7, 299, 0, 7]);
        var (here, there) = (host.Take(rows), store.Take(rows));
        return there.Pixels.device_type == device.type && there.Labels.device_type == device.type
            && (device.type == DeviceType.CPU || store is MemoryPixelStore)
            && here.Pixels.bytes.SequenceEqual(there.Pixels.cpu().bytes);
    }

    private static (double Loss, double Speed) Fit(ComputeDevice device, int? budgetInMiB)
    {
        var mlContext = new MLContext(seed: 1);
        var reports = new List<EpochReport>();
        mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.Cifar(8),
            Recipe = TrainingRecipe.Tutorial with { NumberOfEpochs = 3, BatchSize = 128, LearningRate = 0.01 },
            Device = device,
            ImageMemoryBudgetMiB = budgetInMiB,
            MetricsCallback = reports.Add,
        }).Fit(Image.View(mlContext, 1280)).Dispose();
        return (reports[^1].TrainLoss, reports[^1].ImagesPerSecond);
    }
}
