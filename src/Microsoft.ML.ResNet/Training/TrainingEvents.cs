namespace Microsoft.ML.ResNet.Training;

/// <summary>What happens outside the loop while it runs: reports, files, cancellation. The loop knows no more of it.</summary>
/// <param name="BeforeBatch">Called before every batch, of training or validation; it throws to stop.</param>
/// <param name="AfterStep">Called after every step, with what copies the state of the training.</param>
/// <param name="AfterEpoch">Called after every epoch, with its report and what copies the state of the training.</param>
internal sealed record TrainingEvents(Action BeforeBatch, Action<Func<TrainingState>> AfterStep, Action<EpochReport, Func<TrainingState>> AfterEpoch);
