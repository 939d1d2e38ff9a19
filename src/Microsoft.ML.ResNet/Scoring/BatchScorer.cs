using Microsoft.ML.ResNet.Network;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// Turns pixels into class probabilities. Safe to use from many threads: all that touches the network happens on
/// <see cref="ScoringThread"/>, one batch at a time, so <see cref="Dispose"/> waits for the batch in flight.
/// </summary>
internal sealed class BatchScorer(TrainedResNet model) : IDisposable
{
    private ResidualNetwork? _network;
    private bool _disposed;

    /// <summary>Classes, which is the length of one image's scores.</summary>
    public int Classes => model.Classes.Count;

    /// <summary>Scores a batch.</summary>
    /// <param name="pixels">The images, planar, one after the other.</param>
    /// <param name="count">How many there are; at least 1.</param>
    /// <param name="scores">Receives <paramref name="count"/> times <see cref="Classes"/> probabilities; each image's add up to 1.</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void Score(ReadOnlyMemory<byte> pixels, int count, Memory<float> scores) => ScoringThread.Run(() => Forward(pixels.Span, count, scores.Span));

    /// <summary>Frees the network, once the batches that wait are done. More calls do nothing.</summary>
    public void Dispose() => ScoringThread.Run(() =>
    {
        _network?.Dispose();
        _network = null;
        _disposed = true;
    });

    private void Forward(ReadOnlySpan<byte> pixels, int count, Span<float> scores)
    {
        ObjectDisposedException.ThrowIf(_disposed, typeof(ResNetTransformer));
        _network ??= model.Build();
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var batch = empty([count, model.Shape.Channels, model.Shape.Height, model.Shape.Width], ScalarType.Byte);
        pixels[..(count * model.Shape.Size)].CopyTo(batch.bytes);
        var logits = MirroredView.Logits(_network, model.Normalization.Apply(batch), model.FlipsAtTestTime); // (N, classes)
        var probabilities = nn.functional.softmax(logits, 1);
        probabilities.data<float>().CopyTo(scores);
    }
}
