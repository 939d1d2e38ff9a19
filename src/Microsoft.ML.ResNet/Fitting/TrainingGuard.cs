using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Training;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Fitting;

/// <summary>
/// Runs a training that may end early, and decides what it leaves: the weights of the epochs before, with a warning, or an exception.
/// </summary>
/// <param name="channel">Where warnings go.</param>
/// <param name="recipe">How it is trained.</param>
/// <param name="onCancellation">What a cancelled training leaves.</param>
/// <param name="isCancelled">
/// Whether that is what an <see cref="OperationCanceledException"/> says; that of a user's callback may mean something else.
/// </param>
internal sealed class TrainingGuard(IChannel channel, TrainingRecipe recipe, CancellationBehavior onCancellation,
    Func<Exception, bool> isCancelled)
{
    /// <summary>
    /// Does all that belongs to a training, of which <see cref="Run"/> explains the steps, and explains what runs out of memory elsewhere.
    /// </summary>
    /// <param name="channel">Makes the exception.</param>
    /// <param name="work">The work.</param>
    /// <exception cref="InvalidOperationException">There was too little memory.</exception>
    public static T ExplainMemory<T>(IExceptionContext channel, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (OutOfMemory.ExplainBeforeTraining(e) is { } advice)
        {
            throw channel.Except(e, advice);
        }
    }

    /// <summary>Trains.</summary>
    /// <param name="loop">The training; of its weights only <see cref="TrainingLoop.Kept"/> is of use if this returns early.</param>
    /// <param name="train">The images to learn from.</param>
    /// <param name="validation">Images to choose the best epoch by, or <see langword="null"/>.</param>
    /// <returns>The weights to keep.</returns>
    /// <exception cref="InvalidOperationException">Training diverged in its first epoch, or ran out of memory.</exception>
    /// <exception cref="OperationCanceledException">
    /// It was cancelled, in its first epoch or with <see cref="CancellationBehavior.Throw"/>.
    /// </exception>
    public IReadOnlyList<NamedTensor> Run(TrainingLoop loop, PixelStore train, PixelStore? validation)
    {
        try
        {
            return loop.Run(train, validation);
        }
        catch (DivergenceException e)
        {
            return loop.Kept is { } kept ? Keep(kept, e.Message, loop) : throw ProcessGroup.Agreed(channel.Except(e.Message));
        }
        catch (OperationCanceledException e)
            when (onCancellation == CancellationBehavior.KeepBest && isCancelled(e) && loop.Kept is not null)
        {
            return Keep(loop.Kept, $"Training was cancelled after {Epochs(loop.History)} of {recipe.NumberOfEpochs}.", loop);
        }
        catch (Exception e) when (OutOfMemory.Explain(e, recipe) is { } advice)
        {
            throw channel.Except(e, advice);
        }
    }

    /// <summary>Keeps what a checkpoint has finished of a training that was cancelled before it could go on.</summary>
    /// <exception cref="InvalidOperationException">The weights do not fit the network.</exception>
    public static TrainedResNet Finished(IChannel channel, TrainingState state, ResNetArchitecture architecture, LearntImages images,
        ClassLabels classes, TrainingRecipe recipe)
    {
        var weights = StateMatch.Of(state.Group("best"), architecture, images.Shape.Channels, classes.Count);
        if (!weights.IsExact)
            throw channel.Except($"The weights of the checkpoint do not fit the network: {weights}.");
        var epoch = state.Best.BestNumber > 0 ? state.Best.BestNumber : state.History[^1].Epoch;
        Warn(channel, $"Training was cancelled before it went on, after {Epochs(state.History)} of {recipe.NumberOfEpochs}.", epoch,
            state.History);
        return new TrainedResNet(architecture, images.Shape, images.Normalization(), classes, weights.Matched, recipe.TestTimeFlip)
        {
            History = state.History,
            KeptEpoch = epoch,
        };
    }

    private IReadOnlyList<NamedTensor> Keep(IReadOnlyList<NamedTensor> weights, string reason, TrainingLoop loop)
    {
        Warn(channel, reason, loop.KeptEpoch, loop.History);
        return weights;
    }

    private static void Warn(IChannel channel, string reason, int? epoch, IReadOnlyList<EpochReport> history) => channel.Warning(
        $"{reason} The model has the weights of epoch {epoch}, "
        + $"{(history[^1].ValidationLoss is null ? "the last that was finished" : $"the best of {Epochs(history)}")}.");

    private static string Epochs(IReadOnlyList<EpochReport> history)
        => history.Count == 1 ? "1 finished epoch" : $"{history.Count} finished epochs";
}
