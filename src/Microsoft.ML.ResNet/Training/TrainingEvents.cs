namespace Microsoft.ML.ResNet.Training;

/// <summary>What happens outside the loop while it runs: reports, files, cancellation. The loop knows no more of it.</summary>
/// <param name="BeforeBatch">Called before every batch, of training or validation; it throws to stop.</param>
/// <param name="AfterStep">Called after every step, with what copies the state of the training.</param>
/// <param name="AfterEpoch">Called after every epoch, with its report and what copies the state of the training.</param>
internal sealed record TrainingEvents(Action BeforeBatch, Action<Func<TrainingState>> AfterStep,
    Action<EpochReport, Func<TrainingState>> AfterEpoch)
{
    /// <summary>
    /// Called after every step, before <see cref="AfterStep"/>, with how far training has come and what reads loss and accuracy of the
    /// epoch so far; on a GPU reading waits for the steps so far. The default, <see langword="null"/>, tells nobody.
    /// </summary>
    public Action<TrainingPosition, Func<RunningMean.Sums>>? StepEnded { get; init; }

    /// <summary>
    /// Called while frozen layers are computed, before the first epoch, with how many images have passed them and how many will. The
    /// default, <see langword="null"/>, tells nobody.
    /// </summary>
    public Action<long, long>? FeaturesComputed { get; init; }

    /// <summary>Receives a sentence for the log. The default, <see langword="null"/>, tells nobody.</summary>
    public Action<string>? Info { get; init; }

    /// <summary>Receives a warning. The default, <see langword="null"/>, tells nobody.</summary>
    public Action<string>? Warning { get; init; }
}
