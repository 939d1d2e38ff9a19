using Microsoft.ML.ResNet.Cpu.Training;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// The way through a network and back while it learns: by its fused kernels where they are faster (<see cref="TrainingNetwork.Supports"/>),
/// and else by autograd. Both give the same gradients but for rounding.
/// </summary>
/// <param name="network">The network, in training mode; it stays the caller's.</param>
internal sealed class TrainingEngine(ResidualNetwork network) : IDisposable
{
    private TrainingNetwork? _fused;
    private bool? _isPlain; // decided at the first step, when all is frozen that will be
    private Tensor? _features;

    /// <summary>Images to logits.</summary>
    /// <param name="images">
    /// Normalised images: float32, (N, C, H, W); they, and what the open dispose scope holds, must stay until <see cref="Backward"/> is
    /// done.
    /// </param>
    /// <returns>Logits: float32, (N, classes); the caller owns them.</returns>
    public Tensor Forward(Tensor images)
    {
        if (_isPlain ??= !TrainingNetwork.Supports(network, (int)images.shape[2], (int)images.shape[3]))
            return network.forward(images);
        var input = network.PassFrozen(images);
        _fused ??= new TrainingNetwork(network, (int)input.shape[2], (int)input.shape[3], get_num_threads());
        _features = _fused.Forward(input);
        return network.Classify(_features);
    }

    /// <summary>Adds the gradients of all weights to what they have.</summary>
    /// <param name="loss">A scalar, made of the logits of the last <see cref="Forward"/>.</param>
    public void Backward(Tensor loss)
    {
        loss.backward();
        if (_features is null)
            return;
        using var gradient = _features.grad!;
        _fused!.Backward(gradient);
        _features = null;
    }

    /// <summary>Frees the kernels and what they keep.</summary>
    public void Dispose() => _fused?.Dispose();
}
