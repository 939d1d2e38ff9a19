using System.Globalization;
using System.Text.Json.Serialization;

namespace Samples.Studies;

/// <summary>One training of a study.</summary>
/// <param name="Depth">Layers of the network, of the CIFAR family.</param>
/// <param name="Epochs">Passes over the training images.</param>
/// <param name="BatchSize">Images in one step.</param>
/// <param name="Seed">Decides weights, order and augmentation.</param>
internal sealed record StudyCell(int Depth, int Epochs, int BatchSize, int Seed)
{
    /// <summary>The network.</summary>
    [JsonIgnore]
    public string Architecture => $"cifar-{Depth}";

    /// <summary>What folders and bars call it, as in <c>cifar-20-e5-b64-s1</c>.</summary>
    [JsonIgnore]
    public string Name => $"{Architecture}-e{Epochs}-b{BatchSize}-s{Seed}";

    /// <summary>The options of <c>train</c> that make it differ from the other cells.</summary>
    [JsonIgnore]
    public IEnumerable<string> Options =>
        ["--architecture", Architecture, "--epochs", Text(Epochs), "--batch-size", Text(BatchSize), "--seed", Text(Seed)];

    /// <summary>All cells of a grid, the quick ones of a seed first.</summary>
    public static IReadOnlyList<StudyCell> Grid(IEnumerable<int> depths, IEnumerable<int> epochs, IEnumerable<int> batchSizes,
        IEnumerable<int> seeds) =>
        [.. from seed in seeds.Distinct()
            from depth in depths.Distinct()
            from epoch in epochs.Distinct()
            from batchSize in batchSizes.Distinct()
            select new StudyCell(depth, epoch, batchSize, seed)];

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What a cell has achieved: the kept epoch's figures, as its history has them.</summary>
/// <param name="Cell">The training.</param>
/// <param name="Origin">What it was trained by and on; a cell of another origin is another training.</param>
/// <param name="Parameters">Weights of the network.</param>
/// <param name="Epoch">The epoch that was kept.</param>
/// <param name="Accuracy">The part of the validation images that is classified right, from 0 to 1.</param>
/// <param name="Loss">Mean cross-entropy over the validation images, in nats.</param>
/// <param name="TrainAccuracy">The part of the training images that was classified right, from 0 to 1.</param>
/// <param name="TrainLoss">Mean cross-entropy over the training images, in nats.</param>
/// <param name="Seconds">What all epochs took, validation included.</param>
internal sealed record StudyResult(StudyCell Cell, StudyOrigin Origin, long Parameters, int Epoch, double Accuracy, double Loss,
    double TrainAccuracy, double TrainLoss, double Seconds);
