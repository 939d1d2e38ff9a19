using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// The network as it was trained, in libtorch: for maps that are too large for <see cref="Cpu.Inference.CpuEngine"/>, and what that is
/// compared with. All that touches the network happens on <see cref="ScoringThread"/>, one batch at a time.
/// </summary>
/// <param name="model">The network.</param>
/// <param name="channelsLast">Whether images and weights lie channels-last in memory.</param>
internal sealed class TorchEngine(TrainedResNet model, bool channelsLast = true) : INetworkEngine
{
    private ResidualNetwork? _network;

    /// <inheritdoc/>
    public void Run(ReadOnlyMemory<byte> pixels, int count, NetworkOutput output, Memory<float> values)
        => ScoringThread.Run(() => Forward(pixels.Span, count, output, values.Span));

    /// <summary>Frees the network.</summary>
    public void Dispose() => ScoringThread.Run(() =>
    {
        _network?.Dispose();
        _network = null;
    });

    private void Forward(ReadOnlySpan<byte> pixels, int count, NetworkOutput output, Span<float> values)
    {
        _network ??= ResidualNetwork.Of(model, channelsLast);
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var batch = empty([count, model.Shape.Channels, model.Shape.Height, model.Shape.Width], ScalarType.Byte);
        pixels[..(count * model.Shape.Size)].CopyTo(batch.bytes);
        var images = model.Normalization.Apply(batch, channelsLast);
        var results = output switch
        {
            NetworkOutput.Features => _network.Features(images), // (N, width)
            NetworkOutput.LastMap => _network.LastMap(images).permute(0, 2, 3, 1).contiguous(), // (N, height, width, channels)
            _ => _network.forward(images), // (N, classes)
        };
        results.data<float>().CopyTo(values);
    }
}
