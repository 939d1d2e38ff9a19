using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Fitting;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Training;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet;

/// <content>The range test of learning rates.</content>
public sealed partial class ResNetTrainer
{
    /// <summary>
    /// Finds a rate to train with, by a range test (Smith 2015, arXiv:1506.01186, section 3.3): a short training of a network of its own,
    /// as the options say, whose rate grows exponentially from step to step until the loss explodes. Neither
    /// <see cref="Options.InitialModel"/> nor anything else is changed. Validation sets, checkpoints, histories and callbacks are left out,
    /// but <see cref="Options.Progress"/> is told.
    /// </summary>
    /// <param name="input">The training rows; read once.</param>
    /// <param name="range">The rates and the number of steps; <see langword="null"/> takes the defaults.</param>
    /// <returns>
    /// The losses, and a suggestion for <see cref="TrainingRecipe.LearningRate"/> with the options' batch size. The same seed gives the
    /// same.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type, or the range is none.</exception>
    /// <exception cref="InvalidOperationException">
    /// No usable rows, fewer than two classes, too little memory, a loss that is no number in the first step, or
    /// <see cref="Options.ProcessGroup"/> is set: the test runs in one process.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public LearningRateCurve FindLearningRate(IDataView input, LearningRateRange? range = null)
    {
        _host.CheckValue(input, nameof(input));
        range ??= new LearningRateRange();
        if (range.Problems().ToList() is { Count: > 0 } problems)
            throw _host.ExceptParam(nameof(range), string.Join(" ", problems));
        if (Processes is { } processes)
            throw _host.Except($"The test of rates runs in one process, and this is one of {processes.Size}. Leave Options.ProcessGroup "
                + "unset for it, and call it in one of them alone.");
        using var channel = _host.Start("LearningRate");
        return TrainingGuard.ExplainMemory(channel, () => TestRates(channel, input, range));
    }

    private LearningRateCurve TestRates(IChannel channel, IDataView input, LearningRateRange range)
    {
        ResNetRuntime.EnsureStarted();
        var columns = _options.TrainingColumns.Find(_host, input.Schema);
        var classes = ClassKeys.Of(columns.Label);
        var transfer = _options.InitialModel?.Network is { } model ? new Transfer(channel, model, _options.FrozenStages) : null;
        var memory = ImageMemory.Of(_options.ImageMemoryBudgetMiB, _options.ImageSpillDirectory);
        var request = new ImageRequest(columns.Images.Shape ?? InitialShape(columns.Images), Geometry(columns.Feature),
            _options.Recipe.Augmentation.KeptFor);
        using var read = Read(channel, input, columns, request, memory, "training");
        CheckClasses(channel, read.RowsPerClass, classes);
        var initial = transfer?.Find(read.Shape, classes);
        var images = transfer?.Normalize(read) ?? read;
        var device = ResolveDevice(channel);
        var seed = _options.Seed ?? ((IHostEnvironmentInternal)_host).Seed ?? _host.Rand.Next();
        var points = OwnThread.Run("ResNet learning rate", onCaller => TryRates(images, classes,
            network => transfer?.Begin(network, initial!), range, device, seed, memory, onCaller));
        return points.Count > 0
            ? new LearningRateCurve(points, _options.Recipe.LearningRate)
            : throw channel.Except(FormattableString.Invariant(
                $"The loss is no number at the rate {range.Least}, the least of the range. Lower LearningRateRange.Least."));
    }

    private IReadOnlyList<(double Rate, double Loss)> TryRates(LabeledImageSet images, ClassLabels classes, Action<ResidualNetwork> begin,
        LearningRateRange range, TorchSharp.torch.Device device, int seed, ImageMemory memory, Action<Action> onCaller)
    {
        var numerics = _options.Numerics ?? ResNetRuntime.Options.Numerics;
        var recipe = LearningRateTest.Recipe(_options.Recipe, range, images.Store.Count, images.Shape);
        using var network = Build(images.Shape.Channels, classes.Count, recipe, seed, device, numerics.ChannelsLast);
        begin(network);
        var store = images.Store.To(device);
        using var copy = store == images.Store ? null : store; // the set disposes its own store
        var meter = new ProgressMeter(TimeProvider.System, TimeSpan.FromMilliseconds(100), before: null,
            progress => onCaller(() => _options.Progress?.Report(progress)));
        var events = new TrainingEvents(BeforeBatch: CheckAlive, AfterStep: _ => { }, AfterEpoch: (_, _) => { })
        {
            StepEnded = _options.Progress is null ? null : meter.StepEnded,
            FeaturesComputed = _options.Progress is null ? null : meter.FeaturesComputed,
        };
        return LearningRateTest.Run(network, recipe, range, store, images.Normalization, seed, events,
            new TrainingSettings { Numerics = numerics, Memory = memory });
    }
}
