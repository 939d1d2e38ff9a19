using Microsoft.ML;
using Microsoft.ML.ResNet;
using Samples.CommandLine;
using Samples.Output;
using Samples.Planning;

namespace Samples.Training;

/// <summary>
/// Trains the stages of a plan, one after the other, each from the weights of the one before; the best of them on the validation images
/// is the result.
/// </summary>
/// <param name="mlContext">The environment.</param>
/// <param name="work">What to train.</param>
/// <param name="trainer">The trainer's options that hold for every stage; it is changed from stage to stage.</param>
/// <param name="epochs">Shows what happens.</param>
internal sealed class StagedTraining(MLContext mlContext, TrainingWork work, ResNetTrainer.Options trainer, EpochLines epochs)
{
    private readonly List<string> _history = [];

    /// <summary>The stage whose weights are the result; empty where there is but one.</summary>
    public string Kept { get; private set; } = "";

    /// <summary>What went wrong without ending the training, in sentences.</summary>
    public List<string> Problems { get; } = [];

    /// <summary>The stages that were trained, with the reports of their epochs.</summary>
    public List<KeyValuePair<string, IReadOnlyList<EpochReport>>> Histories { get; } = [];

    /// <summary>What the first stage took from the initial model.</summary>
    public WeightsReport? Taken { get; private set; }

    /// <summary>Trains.</summary>
    /// <param name="train">The images to learn from, with keys as labels.</param>
    /// <param name="validation">The images to choose by, with the same keys.</param>
    /// <param name="historyFile">
    /// A CSV file for a line of each epoch. With several stages the last stage's while it lasts, and then all, with their names.
    /// </param>
    /// <returns>The model; the caller disposes it.</returns>
    public ResNetTransformer Fit(IDataView train, IDataView? validation, string? historyFile)
    {
        Prepare();
        var (folders, isOnly) = ((trainer.CheckpointDirectory, trainer.TensorBoardDirectory), work.Plan.Stages.Count == 1);
        trainer.ValidationSet = validation;
        if (validation is not null)
            trainer.ValidationSetFraction = null; // it is the part that was held out, already
        trainer.HistoryFile = historyFile;
        ResNetTransformer? best = null;
        foreach (var stage in work.Plan.Stages)
        {
            if (!isOnly)
                (trainer.CheckpointDirectory, trainer.TensorBoardDirectory) = (Below(folders.CheckpointDirectory, stage.Name),
                    Below(folders.TensorBoardDirectory, stage.Name));
            if (TryFit(train, stage, best) is not { } network)
                break;
            Taken ??= network.InitialWeights;
            Histories.Add(KeyValuePair.Create(stage.Name, network.TrainingHistory));
            if (historyFile is not null && !isOnly)
                Remember(historyFile, stage.Name);
            best = Better(best, network, stage.Name);
            if (trainer.CancellationToken.IsCancellationRequested)
                break; // what there is by now was asked for
        }
        return best!;
    }

    /// <summary>Tells the trainer what holds for all stages.</summary>
    public void Prepare()
    {
        work.Begins?.Invoke(epochs);
        trainer.ImageGeometry = work.Plan.Geometry;
        trainer.ImageMemoryBudgetMiB ??= work.ImageMemoryMiB;
        if (work.Plan.Image is { } image)
            (trainer.ImageChannels, trainer.ImageHeight, trainer.ImageWidth) = (image.Channels, image.Height, image.Width);
    }

    /// <summary>Tells the trainer what holds for one stage.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="initial">Whose weights it starts from.</param>
    public void Begin(TrainingStage stage, ResNetTransformer? initial)
    {
        trainer.Recipe = stage.Recipe;
        trainer.InitialModel = initial?.Model;
        trainer.FrozenStages = stage.FrozenStages;
        trainer.Architecture = work.Plan.Architecture ?? initial!.Model.Architecture;
    }

    // What a stage before has learnt is not lost because this one ends without a model.
    private ResNetTransformer? TryFit(IDataView train, TrainingStage stage, ResNetTransformer? before)
    {
        try
        {
            return Fit(train, stage, before ?? work.Initial);
        }
        catch (OperationCanceledException) when (before is not null && trainer.CancellationBehavior == CancellationBehavior.KeepBest)
        {
            return null;
        }
        catch (InvalidOperationException exception) when (before is not null)
        {
            Problems.Add($"The stage '{stage.Name}' ended without a model, and that of before is kept: "
                + ExpectedErrors.OneLine(exception));
            return null;
        }
    }

    private ResNetTransformer Fit(IDataView train, TrainingStage stage, ResNetTransformer? initial)
    {
        Begin(stage, initial);
        return epochs.During(stage.Recipe.NumberOfEpochs, report =>
        {
            trainer.MetricsCallback = report;
            trainer.Progress = epochs;
            return mlContext.MulticlassClassification.Trainers.ResNet(trainer).Fit(train);
        }, stage.Name);
    }

    /// <summary>The model that is right on more of the validation images, of equals the surer one; the other is disposed.</summary>
    private ResNetTransformer Better(ResNetTransformer? before, ResNetTransformer after, string stage)
    {
        var isBetter = before is null || Figures(after).CompareTo(Figures(before)) >= 0;
        if (isBetter)
            Kept = stage;
        (isBetter ? before : after)?.Dispose();
        return isBetter ? after : before!;
    }

    private static (double Accuracy, double Certainty) Figures(ResNetTransformer network)
    {
        var kept = network.TrainingHistory.Single(report => report.Epoch == network.KeptEpoch);
        return (kept.ValidationAccuracy ?? kept.TrainAccuracy, -(kept.ValidationLoss ?? kept.TrainLoss));
    }

    private void Remember(string historyFile, string stage)
    {
        try
        {
            foreach (var (index, line) in File.ReadLines(historyFile).Index())
                if (index > 0 || _history.Count == 0)
                    _history.Add($"{(index == 0 ? "Stage" : stage)},{line}");
            File.WriteAllLines(historyFile, _history);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Problems.Add($"The history could not be written: {exception.Message}");
        }
    }

    private static string? Below(string? folder, string stage) => folder is null ? null : Path.Combine(folder, stage);
}
