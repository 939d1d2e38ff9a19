using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Fused;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// The way through a network and back while it learns: by its fused kernels where they are faster (<see cref="FusedNetwork.Supports"/>), and else by autograd.
/// Both give the same gradients but for rounding.
/// </summary>
/// <param name="network">The network, in training mode; it stays the caller's.</param>
internal sealed class NetworkPass(ResidualNetwork network) : IDisposable
{
    private FusedNetwork? _fused;
    private bool _isPlain;
    private Tensor? _features;

    /// <summary>Images to logits.</summary>
    /// <param name="images">Normalised images: float32, (N, C, H, W); they must stay until <see cref="Backward"/> is done.</param>
    /// <returns>Logits: float32, (N, classes); the caller owns them.</returns>
    public Tensor Forward(Tensor images)
    {
        if (_fused is null && !_isPlain)
            Choose(images);
        if (_fused is null)
            return network.forward(images);
        _features = _fused.Forward(images);
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

    private void Choose(Tensor images)
    {
        var (height, width) = ((int)images.shape[2], (int)images.shape[3]);
        _isPlain = !FusedNetwork.Supports(network, height, width);
        if (!_isPlain)
            _fused = new FusedNetwork(network, height, width, get_num_threads());
    }
}
