using System.Buffers;
using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// Pictures to predictions, a batch at a time: decoded on several threads, then computed together. Has no state but the weights, so that
/// any number of threads may call it.
/// </summary>
/// <param name="model">The network.</param>
/// <param name="scorer">Computes it; stays the caller's.</param>
internal sealed class PictureScorer(TrainedResNet model, BatchScorer scorer)
{
    /// <summary>What is wrong with a picture that could be read and yet has no scores.</summary>
    public const string NoNumbers = "expected probabilities, found that the network makes NaN of the picture";

    private readonly Lazy<ClassActivations> _activations = new(() => new(model));

    /// <summary>How many pictures are best handed over together.</summary>
    public int BatchSize { get; } = BatchScorer.BatchOf(model.Shape);

    /// <summary>Decodes a picture.</summary>
    /// <param name="index">Which, from 0.</param>
    /// <param name="pixels">Receives the image: as many bytes as the network's images have.</param>
    public delegate DecodedPicture Decoder(int index, Span<byte> pixels);

    /// <summary>Predicts some pictures.</summary>
    /// <param name="count">How many; 1 to <see cref="BatchSize"/>.</param>
    /// <param name="decode">Decodes one of them; called on several threads if there are several pictures.</param>
    /// <param name="options">What is wanted; checked.</param>
    /// <param name="cancellation">Asked before each picture is decoded, and before each pass.</param>
    public ImagePrediction[] Predict(int count, Decoder decode, ImagePredictionOptions options, CancellationToken cancellation)
    {
        var size = model.Shape.Size;
        var pixels = ArrayPool<byte>.Shared.Rent(count * size);
        var scores = ArrayPool<float>.Shared.Rent(count * scorer.Classes);
        try
        {
            var pictures = Decode(count, decode, pixels, cancellation);
            var readable = MoveReadableUp(pictures, pixels, size);
            cancellation.ThrowIfCancellationRequested();
            if (readable > 0)
                scorer.Score(pixels, readable, scores);
            var predictions = new ImagePrediction[count];
            for (var (picture, slot) = (0, 0); picture < count; picture++)
                predictions[picture] = pictures[picture] is { Problem: { } problem } unreadable
                    ? new(unreadable.Kind, problem)
                    : Prediction(pictures[picture], pixels.AsMemory(slot * size, size),
                        scores.AsSpan(slot++ * scorer.Classes, scorer.Classes), options, cancellation);
            return predictions;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(pixels);
            ArrayPool<float>.Shared.Return(scores);
        }
    }

    private DecodedPicture[] Decode(int count, Decoder decode, byte[] pixels, CancellationToken cancellation)
    {
        var pictures = new DecodedPicture[count];
        if (count == 1)
            DecodeOne(0);
        else
            WorkerTeam.Scoring.Run([count], ScoringThreads.Count, (_, picture, _) => DecodeOne(picture));
        return pictures;

        void DecodeOne(int picture)
        {
            cancellation.ThrowIfCancellationRequested();
            pictures[picture] = decode(picture, pixels.AsSpan(picture * model.Shape.Size, model.Shape.Size));
        }
    }

    private static int MoveReadableUp(DecodedPicture[] pictures, byte[] pixels, int size)
    {
        var readable = 0;
        for (var picture = 0; picture < pictures.Length; picture++)
        {
            if (pictures[picture].Problem is not null)
                continue;
            if (readable != picture)
                pixels.AsSpan(picture * size, size).CopyTo(pixels.AsSpan(readable * size));
            readable++;
        }
        return readable;
    }

    private ImagePrediction Prediction(DecodedPicture picture, ReadOnlyMemory<byte> pixels, ReadOnlySpan<float> scores,
        ImagePredictionOptions options, CancellationToken cancellation)
    {
        if (scores.Contains(float.NaN))
            return new(ImageProblemKind.NoNumbers, NoNumbers);
        var top = Top(scores, Math.Min(options.Top, scores.Length));
        if (!options.WithActivationMap)
            return new(top, picture.Size.Height, picture.Size.Width, map: null);
        cancellation.ThrowIfCancellationRequested();
        return new(top, picture.Size.Height, picture.Size.Width, Map(picture, pixels, options.ActivationMapClass ?? top[0].Index));
    }

    private ClassProbability[] Top(ReadOnlySpan<float> scores, int count)
    {
        var top = new ClassProbability[count];
        var found = 0;
        for (var index = 0; index < scores.Length; index++)
        {
            if (found == count && !(scores[index] > top[^1].Probability))
                continue;
            var place = found == count ? count - 1 : found++;
            for (; place > 0 && scores[index] > top[place - 1].Probability; place--)
                top[place] = top[place - 1];
            top[place] = new(index, model.Classes.Names[index], scores[index]);
        }
        return top;
    }

    private ActivationMap Map(DecodedPicture picture, ReadOnlyMemory<byte> pixels, int classIndex)
    {
        var size = scorer.LastMap.Size;
        var map = ArrayPool<float>.Shared.Rent(size);
        try
        {
            scorer.ComputeLastMaps(pixels, 1, map.AsMemory(0, size));
            return _activations.Value.Of(map.AsSpan(0, size), classIndex, PictureArea.Of(picture.Size, model.Target));
        }
        finally
        {
            ArrayPool<float>.Shared.Return(map);
        }
    }
}
