using System.Globalization;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>Notices that a training has diverged: its loss or a weight is infinite or not a number, and stays so.</summary>
internal static class Divergence
{
    /// <summary>
    /// Checks the loss after a step where it is at hand. Reading it from a GPU would wait for the step, so there it is checked after an
    /// epoch.
    /// </summary>
    /// <param name="running">The loss so far in the epoch.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <exception cref="DivergenceException">The loss is not finite.</exception>
    public static void CheckStep(RunningMean running, int epoch)
    {
        if (running.IsAtHand)
            CheckLoss(running.Result().MeanLoss, epoch);
    }

    /// <summary>
    /// Checks the loss and every weight that learns after an epoch: the last step may have spoilt weights without any loss after it.
    /// </summary>
    /// <param name="trained">How the epoch went.</param>
    /// <param name="network">The network.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <exception cref="DivergenceException">The loss or a weight is not finite.</exception>
    public static void CheckEpoch(Evaluation trained, ResidualNetwork network, int epoch)
    {
        CheckLoss(trained.MeanLoss, epoch);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var learning = StateDictionary.Learning(network).ToList();
        var finite = stack(learning.Select(entry => IsFinite(entry.Tensor))).cpu(); // a device is waited for once
        foreach (var ((name, _), isFinite) in learning.Zip(finite.data<bool>()))
            if (!isFinite)
                throw new DivergenceException($"'{name}' holds a value after epoch {epoch + 1} that is no number.");
    }

    private static Tensor IsFinite(Tensor tensor)
    {
        using var finite = tensor.isfinite();
        return finite.all();
    }

    private static void CheckLoss(double loss, int epoch)
    {
        if (!double.IsFinite(loss))
            throw new DivergenceException(string.Create(CultureInfo.InvariantCulture, $"the loss of epoch {epoch + 1} is {loss}."));
    }
}

/// <summary>
/// Training has diverged. <c>TrainingGuard</c> catches it; users see a warning, or an <see cref="InvalidOperationException"/> with its
/// message.
/// </summary>
/// <param name="symptom">What is no number any more, as the end of a sentence.</param>
internal sealed class DivergenceException(string symptom)
    : Exception($"Training diverged: {symptom} Lower the learning rate, put a warm-up in front of the schedule, or set GradientClipNorm.");
