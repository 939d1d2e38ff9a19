using Microsoft.ML;
using Microsoft.ML.ResNet;
using Samples.Output;

namespace Samples.Training;

/// <summary>Tries rates for the last stage of a plan, from the weights that the stages before it leave.</summary>
/// <param name="mlContext">The environment.</param>
/// <param name="work">What is to be trained.</param>
/// <param name="trainer">The trainer's options that hold for every stage; it is changed.</param>
/// <param name="epochs">Shows what happens.</param>
internal sealed class RangeTest(MLContext mlContext, TrainingWork work, ResNetTrainer.Options trainer, EpochLines epochs)
{
    /// <summary>Trains the stages before, and tries the rates.</summary>
    /// <param name="keys">Makes labels keys.</param>
    /// <param name="range">The rates.</param>
    public LearningRateCurve Run(ITransformer keys, LearningRateRange range)
    {
        var (before, stage) = (work.Plan.Stages.SkipLast(1).ToList(), work.Plan.Stages[^1]);
        var train = keys.Transform(work.Train);
        var stages = new StagedTraining(mlContext, work with { Plan = work.Plan with { Stages = before } }, trainer, epochs);
        using var trained = before.Count == 0 ? null : stages.Fit(train, work.Validation is { } held ? keys.Transform(held) : null, null);
        stages.Prepare();
        return epochs.During(1, _ =>
        {
            stages.Begin(stage, trained ?? work.Initial);
            trainer.Progress = epochs;
            return mlContext.MulticlassClassification.Trainers.ResNet(trainer).FindLearningRate(train, range);
        }, "rates");
    }
}
