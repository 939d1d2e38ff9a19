using System.Security.Cryptography;
using Microsoft.ML;
using Microsoft.ML.ResNet;

/// <summary>Trainings that do not end well: for want of memory, or because they are killed.</summary>
internal static class DeviceTrainings
{
    /// <summary>Trains with too large a batch, prints what that ends in, and trains with a small one.</summary>
    /// <returns>Whether the error says what to do, and the small training worked.</returns>
    public static bool RunOutOfMemory(ComputeDevice device, ResNetArchitecture architecture, int batchSize, int size)
    {
        var error = "nothing: the batch fits";
        try
        {
            Fit(device, architecture, batchSize, size);
        }
        catch (Exception e) // whatever its type: that is what is looked at
        {
            error = $"{e.GetType().Name}: {e.Message}";
        }
        Console.WriteLine(error);
        var loss = Fit(device, ResNetArchitecture.Cifar(8), 32, 32);
        Console.WriteLine(FormattableString.Invariant($"\"{error}\"; then a small training in the same process: loss {loss:f3}"));
        return error.Contains($"Set MicroBatchSize to {batchSize / 2}", StringComparison.Ordinal) && double.IsFinite(loss);
    }

    /// <summary>Trains, with a checkpoint after every step; prints the last epoch's loss and a hash of the weights.</summary>
    public static void Learn(string folder, ComputeDevice device, int epochs, bool resume)
    {
        var mlContext = new MLContext(seed: 1);
        var reports = new List<EpochReport>();
        using var model = mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.Cifar(20),
            Recipe = TrainingRecipe.Tutorial with { NumberOfEpochs = epochs, BatchSize = 64, LearningRate = 0.01 },
            Device = device,
            CheckpointDirectory = folder,
            CheckpointInterval = TimeSpan.FromMilliseconds(1),
            Resume = resume,
            MetricsCallback = reports.Add,
        }).Fit(Image.View(mlContext, 640));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tensor in model.Model.Network.Weights)
            hash.AppendData(tensor.Data.Span);
        var weights = Convert.ToHexStringLower(hash.GetCurrentHash())[..16];
        Console.WriteLine(FormattableString.Invariant($"loss {reports[^1].TrainLoss:f7} weights {weights}"));
    }

    private static double Fit(ComputeDevice device, ResNetArchitecture architecture, int batchSize, int size)
    {
        var mlContext = new MLContext(seed: 1);
        var loss = double.NaN;
        mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = architecture,
            Recipe = TrainingRecipe.Tutorial with { NumberOfEpochs = 1, BatchSize = batchSize, LearningRate = 0.01 },
            Device = device,
            MetricsCallback = report => loss = report.TrainLoss,
        }).Fit(Image.View(mlContext, batchSize, size)).Dispose();
        return loss;
    }
}
