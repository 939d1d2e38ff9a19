using System.Buffers;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// Turns pixels into class probabilities, or into features. Safe to use from many threads; <see cref="Dispose"/> waits for the batches in
/// flight.
/// </summary>
internal sealed class BatchScorer : IDisposable
{
    private const int LargestBatch = 128;
    private const int BatchBytes = 64 * 1024 * 1024; // of pixels: 128 images of 3x400x400; larger images come in smaller batches

    private readonly ReaderWriterLockSlim _life = new(); // scoring reads, disposing writes
    private readonly int _imageSize; // bytes
    private readonly int _width; // pixels
    private readonly bool _flips;
    private readonly object _owner;
    private bool _disposed;

    /// <param name="model">The network.</param>
    /// <param name="choice">Computes it; its engine is disposed with this.</param>
    /// <param name="owner">What is said to be disposed when scores are asked for after <see cref="Dispose"/>; this, if it is unset.</param>
    public BatchScorer(TrainedResNet model, EngineChoice choice, object? owner = null)
    {
        Classes = model.Classes.Count;
        FeatureWidth = model.Architecture.FeatureWidth;
        LastMap = model.Plan.StepOf(NetworkOutput.LastMap).Output;
        (_imageSize, _width, _flips) = (model.Shape.Size, model.Shape.Width, model.TestTimeFlip);
        Choice = choice;
        _owner = owner ?? this;
    }

    /// <param name="model">The network.</param>
    /// <param name="engine">Computes it; disposed with this.</param>
    internal BatchScorer(TrainedResNet model, INetworkEngine engine) : this(model, new EngineChoice(engine, "what the caller chose"))
    {
    }

    /// <summary>Classes, which is the length of one image's scores.</summary>
    public int Classes { get; }

    /// <summary>Features of one image.</summary>
    public int FeatureWidth { get; }

    /// <summary>The shape of what the features are the means of.</summary>
    public ImageShape LastMap { get; }

    /// <summary>What computes the network.</summary>
    public INetworkEngine Engine => Choice.Engine;

    /// <summary>What computes the network, and why.</summary>
    public EngineChoice Choice { get; }

    /// <summary>How many images of a shape are computed together.</summary>
    public static int BatchOf(ImageShape shape) => Math.Clamp(BatchBytes / shape.Size, 1, LargestBatch);

    /// <summary>Scores a batch.</summary>
    /// <param name="pixels">The images, planar, one after the other.</param>
    /// <param name="count">How many there are; at least 1.</param>
    /// <param name="scores">Receives <paramref name="count"/> times <see cref="Classes"/> probabilities; each image's add up to 1.</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void Score(ReadOnlyMemory<byte> pixels, int count, Memory<float> scores)
    {
        WhileAlive(() => Run(pixels, count, NetworkOutput.Logits, new ImageShape(Classes, 1, 1), scores));
        for (var image = 0; image < count; image++)
            Softmax(scores.Span.Slice(image * Classes, Classes));
    }

    /// <summary>Computes what the classifier would read, of the images alone, without their mirror images.</summary>
    /// <param name="pixels">The images, planar, one after the other.</param>
    /// <param name="count">How many there are; at least 1.</param>
    /// <param name="features">Receives <paramref name="count"/> times <see cref="FeatureWidth"/> numbers.</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void Featurize(ReadOnlyMemory<byte> pixels, int count, Memory<float> features)
        => WhileAlive(() => Engine.Run(pixels, count, NetworkOutput.Features, features));

    /// <summary>
    /// Computes what the features are the means of; with mirror images, the mean of both maps, the mirror image's turned back. The means
    /// over it are what the logits behind <see cref="Score"/> are made of.
    /// </summary>
    /// <param name="pixels">The images, planar, one after the other.</param>
    /// <param name="count">How many there are; at least 1.</param>
    /// <param name="maps">
    /// Receives <paramref name="count"/> times <see cref="LastMap"/>, each in the order height x width x channels.
    /// </param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void ComputeLastMaps(ReadOnlyMemory<byte> pixels, int count, Memory<float> maps)
        => WhileAlive(() => Run(pixels, count, NetworkOutput.LastMap, LastMap, maps));

    /// <summary>Frees the network, once the batches in flight are done. More calls do nothing.</summary>
    public void Dispose()
    {
        _life.EnterWriteLock();
        try
        {
            if (!_disposed)
                Engine.Dispose();
            _disposed = true;
        }
        finally
        {
            _life.ExitWriteLock();
        }
    }

    private void WhileAlive(Action work)
    {
        _life.EnterReadLock();
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, _owner);
            work();
        }
        finally
        {
            _life.ExitReadLock();
        }
    }

    // Flip at test time: the mean of the logits of both views, before softmax (Krizhevsky et al. 2012, section 4.1).
    private void Run(ReadOnlyMemory<byte> pixels, int count, NetworkOutput output, ImageShape shape, Memory<float> values)
    {
        Engine.Run(pixels, count, output, values);
        if (!_flips)
            return;
        var (length, size) = (checked(count * _imageSize), checked(count * shape.Size));
        var mirrored = ArrayPool<byte>.Shared.Rent(length);
        var others = ArrayPool<float>.Shared.Rent(size);
        pixels.Span[..length].CopyTo(mirrored);
        for (var row = 0; row < length; row += _width)
            mirrored.AsSpan(row, _width).Reverse();
        Engine.Run(mirrored.AsMemory(0, length), count, output, others.AsMemory(0, size));
        for (var row = 0; row < count * shape.Height; row++)
            for (var column = 0; column < shape.Width; column++)
                Average(values.Span.Slice((row * shape.Width + column) * shape.Channels, shape.Channels),
                    others.AsSpan((row * shape.Width + shape.Width - 1 - column) * shape.Channels, shape.Channels));
        ArrayPool<byte>.Shared.Return(mirrored);
        ArrayPool<float>.Shared.Return(others);
    }

    private static void Average(Span<float> values, ReadOnlySpan<float> others)
    {
        for (var i = 0; i < values.Length; i++)
            values[i] = (values[i] + others[i]) / 2;
    }

    private static void Softmax(Span<float> logits)
    {
        var max = float.NegativeInfinity;
        foreach (var logit in logits)
            max = MathF.Max(max, logit); // NaN if one is
        var sum = 0f;
        foreach (ref var logit in logits)
            sum += logit = MathF.Exp(logit - max);
        foreach (ref var logit in logits)
            logit /= sum;
    }
}
