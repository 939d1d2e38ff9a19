using System.Globalization;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>Notices that a training has diverged: from then on it only multiplies what is no number.</summary>
internal static class Divergence
{
    /// <summary>
    /// Looks at the loss after a step, where that makes nobody wait. On a GPU it would, so there the end of the epoch has to do.
    /// </summary>
    /// <param name="running">The loss so far in the epoch.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <exception cref="DivergenceException">The loss is not finite.</exception>
    public static void CheckStep(RunningMean running, int epoch)
    {
        if (running.IsAtHand)
            CheckLoss(running.Result().MeanLoss, epoch);
    }

    /// <summary>Looks at the loss and at every weight after an epoch: a last step may spoil weights that no loss has seen yet.</summary>
    /// <param name="trained">How the epoch went.</param>
    /// <param name="network">The network.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <exception cref="DivergenceException">The loss or a weight is not finite.</exception>
    public static void CheckEpoch(Evaluation trained, ResidualNetwork network, int epoch)
    {
        CheckLoss(trained.MeanLoss, epoch);
        using var noGradient = no_grad();
        foreach (var (name, tensor) in StateDictionary.Entries(network))
        {
            using var scope = NewDisposeScope();
            if (!tensor.isfinite().all().item<bool>())
                throw new DivergenceException($"'{name}' holds a value after epoch {epoch + 1} that is no number.");
        }
    }

    private static void CheckLoss(double loss, int epoch)
    {
        if (!double.IsFinite(loss))
            throw new DivergenceException(string.Create(CultureInfo.InvariantCulture, $"the loss of epoch {epoch + 1} is {loss}."));
    }
}

/// <summary>
/// Training has diverged. Root catches it; users see a warning, or an <see cref="InvalidOperationException"/> with its message.
/// </summary>
/// <param name="symptom">What is no number any more, as the end of a sentence.</param>
internal sealed class DivergenceException(string symptom)
    : Exception($"Training diverged: {symptom} Lower the learning rate, put a warm-up in front of the schedule, or set GradientClipNorm.");
