using System.Globalization;
using Microsoft.ML.ResNet;

namespace Samples.Planning;

/// <summary>What computes: how many cores, or a GPU.</summary>
/// <param name="Cores">Processors that .NET sees.</param>
/// <param name="HasGpu">Whether training goes to a GPU.</param>
internal sealed record Machine(int Cores, bool HasGpu)
{
    // Multiply-adds a second, measured with ResNet-18 at 224 pixels through libtorch; a GPU's figure is a modest one.
    private const double PerCore = 45e9, PerGpu = 3e12;

    /// <summary>This machine.</summary>
    public static Machine This(ComputeDevice device)
        => new(Environment.ProcessorCount, device == ComputeDevice.Cuda || device == ComputeDevice.Auto && Gpu.IsUsable);

    /// <summary>Multiply-adds a second, roughly.</summary>
    public double Speed => HasGpu ? PerGpu : Cores * PerCore;

    /// <summary>How long the whole network may learn where nobody asks for it: a coffee on a CPU, a lunch on a GPU.</summary>
    public TimeSpan Patience => HasGpu ? TimeSpan.FromMinutes(45) : TimeSpan.FromMinutes(2);

    /// <summary>In words.</summary>
    public override string ToString() => HasGpu ? "a GPU" : Cores == 1 ? "one core" : $"{Cores} cores";
}

/// <summary>How long training will take, and how much memory; both roughly, before anything is read.</summary>
internal static class Estimates
{
    // Measured: a program that has loaded libtorch and the weights of ResNet-18, and scored photos; the library says the second.
    private const long Program = 750L << 20, WhileReading = 128L << 20;
    private const int BackwardAndForward = 3; // the gradients of activations and of weights cost a forward pass each

    /// <summary>How long a training of the whole network takes.</summary>
    /// <param name="architecture">The network.</param>
    /// <param name="image">Its images.</param>
    /// <param name="classes">Its classes.</param>
    /// <param name="epochs">Passes over the images.</param>
    /// <param name="train">Images to learn from.</param>
    /// <param name="validation">Images to validate on after each epoch.</param>
    /// <param name="machine">What computes.</param>
    public static TimeSpan Time(ResNetArchitecture architecture, ImageShape image, int classes, int epochs, int train, int validation,
        Machine machine)
    {
        var forward = (double)architecture.Summarize(image, Math.Max(2, classes)).Sum(layer => layer.MultiplyAdds);
        return TimeSpan.FromSeconds(epochs * forward * (BackwardAndForward * (double)train + validation) / machine.Speed);
    }

    /// <summary>How much memory a plan takes at most, in bytes: the program with libtorch and weights, pictures, and what learns.</summary>
    /// <param name="plan">The plan, which has a network and a shape of images.</param>
    /// <param name="facts">The pictures.</param>
    /// <param name="budget">What pictures may take, in bytes; the rest of them goes to a file.</param>
    public static long Memory(TrainingPlan plan, PictureFacts facts, long budget)
        => Program + Math.Min(budget, Pixels(plan, facts)) + (Pixels(plan, facts) > budget ? WhileReading : 0)
            + plan.Stages.Max(stage => Activations(plan, facts, stage));

    /// <summary>Bytes of all pictures, as they are kept for training.</summary>
    public static long Pixels(TrainingPlan plan, PictureFacts facts)
    {
        var kept = plan.Stages.SelectMany(stage => stage.Recipe.Augmentation).OfType<RandomResizedCrop>().FirstOrDefault()?.KeptSize ?? 1;
        return (long)(plan.Image!.Value.Size * (kept * kept * facts.Train + facts.Validation));
    }

    // What a step keeps for its way back: the outputs of all layers, and their gradients.
    private static long Activations(TrainingPlan plan, PictureFacts facts, TrainingStage stage)
        => stage.FrozenStages == plan.Architecture!.Stages.Count
            ? 0
            : 2 * sizeof(float) * (long)(stage.Recipe.MicroBatchSize ?? Math.Min(stage.Recipe.BatchSize, facts.Train))
                * plan.Architecture.Summarize(plan.Image!.Value, Math.Max(2, facts.Classes.Count))
                    .Sum(layer => (long)layer.OutputShape.Size);

    /// <summary>A time in words: seconds below two minutes, minutes below two hours.</summary>
    public static string InWords(TimeSpan time) => time.TotalMinutes < 2 ? Words(Math.Ceiling(time.TotalSeconds), "second")
        : time.TotalHours < 2 ? Words(Math.Round(time.TotalMinutes), "minute")
        : Words(Math.Round(time.TotalHours), "hour");

    private static string Words(double number, string unit)
        => string.Create(CultureInfo.InvariantCulture, $"{number:n0} {unit}{(number == 1 ? "" : "s")}");
}
