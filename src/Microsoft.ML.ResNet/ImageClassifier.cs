using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Scoring;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Tells what is on a picture: one call, from any number of threads at once. A picture is a file, a stream, the bytes of a file, or an
/// <see cref="MLImage"/>, of any size; <see cref="ResNetTransformer.CreateClassifier"/> and <c>mlContext.Model.LoadImageClassifier</c>
/// make one.
/// </summary>
/// <remarks>
/// The probabilities are those of <see cref="ResNetTransformer.Transform"/>, bit for bit. A picture that cannot be read is no exception but
/// a prediction with a <see cref="ImagePrediction.Problem"/>: an upload may hold anything. Cancellation is noticed between the decoding of
/// a picture and the passes through the network.
/// </remarks>
public sealed class ImageClassifier : IDisposable
{
    private static readonly ImagePredictionOptions Default = new();

    private readonly PictureDecoder _decoder;
    private readonly PictureScorer _scorer;
    private readonly IDisposable? _owned;

    /// <param name="model">The network.</param>
    /// <param name="scorer">Computes it.</param>
    /// <param name="options">The limits; <see langword="null"/> for the default.</param>
    /// <param name="owned">What is disposed with this.</param>
    internal ImageClassifier(ResNetModelParameters model, BatchScorer scorer, ImageClassifierOptions? options, IDisposable? owned)
    {
        options ??= new();
        options.Check(nameof(options));
        if (model.ImageShape.Channels is not (1 or 3))
            throw new NotSupportedException(
                $"The network takes images of {model.ImageShape}; pictures have 1 or 3 channels. Score vectors of pixels with Transform.");
        Model = model;
        _decoder = new(model.Network.Target, options);
        _scorer = new(model.Network, scorer);
        _owned = owned;
    }

    /// <summary>The network: its classes, its images and its plan.</summary>
    public ResNetModelParameters Model { get; }

#pragma warning disable RS0026 // overloads with optional parameters: the first parameter's type tells them apart

    /// <summary>Tells what is on the picture in a file.</summary>
    /// <param name="path">The file: JPEG, PNG, WebP, GIF (its first frame) or BMP. None, or another kind, is a problem.</param>
    /// <param name="options">What is wanted; <see langword="null"/> is the default: the five likeliest classes.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <inheritdoc cref="Predict(ReadOnlyMemory{byte}, ImagePredictionOptions?, CancellationToken)"/>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    public ImagePrediction Predict(string path, ImagePredictionOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Predict((_, pixels) => _decoder.Decode(path, pixels), options, cancellationToken);
    }

    /// <summary>Tells what is on the picture in a stream.</summary>
    /// <param name="stream">
    /// The encoded picture, from the stream's position to its end; read to the end, or until there are too many bytes. It stays open.
    /// </param>
    /// <param name="options">What is wanted; <see langword="null"/> is the default: the five likeliest classes.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <inheritdoc cref="Predict(ReadOnlyMemory{byte}, ImagePredictionOptions?, CancellationToken)"/>
    /// <exception cref="IOException">The stream failed.</exception>
    public ImagePrediction Predict(Stream stream, ImagePredictionOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return Predict((_, pixels) => _decoder.Decode(stream, pixels), options, cancellationToken);
    }

    /// <summary>Tells what is on an encoded picture.</summary>
    /// <param name="encoded">The whole file: JPEG, PNG, WebP, GIF (its first frame) or BMP.</param>
    /// <param name="options">What is wanted; <see langword="null"/> is the default: the five likeliest classes.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The classes, or why there are none.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public ImagePrediction Predict(ReadOnlyMemory<byte> encoded, ImagePredictionOptions? options = null,
        CancellationToken cancellationToken = default)
        => Predict((_, pixels) => _decoder.Decode(encoded.Span, pixels), options, cancellationToken);

    /// <summary>Tells what is on an image in memory.</summary>
    /// <param name="image">The image, which stays the caller's. It stands as it does: it has no orientation tag any more.</param>
    /// <param name="options">What is wanted; <see langword="null"/> is the default: the five likeliest classes.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <inheritdoc cref="Predict(ReadOnlyMemory{byte}, ImagePredictionOptions?, CancellationToken)"/>
    public ImagePrediction Predict(MLImage image, ImagePredictionOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Predict((_, pixels) => _decoder.Decode(image, pixels), options, cancellationToken);
    }

    /// <summary>Tells what is on many encoded pictures, which is quicker than one by one: several threads decode them.</summary>
    /// <param name="encoded">The files.</param>
    /// <param name="options">What is wanted; <see langword="null"/> is the default: the five likeliest classes.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <inheritdoc cref="Predict(ReadOnlyMemory{byte}, ImagePredictionOptions?, CancellationToken)"/>
    /// <returns>For each in its order the classes, or why there are none; computed batch by batch as they are asked for.</returns>
    public IEnumerable<ImagePrediction> PredictMany(IEnumerable<ReadOnlyMemory<byte>> encoded, ImagePredictionOptions? options = null,
        CancellationToken cancellationToken = default)
        => PredictMany(encoded, (file, pixels) => _decoder.Decode(file.Span, pixels), options, cancellationToken);

    /// <summary>Tells what is on the pictures in many files, which is quicker than one by one: several threads decode them.</summary>
    /// <param name="paths">The files.</param>
    /// <param name="options">What is wanted; <see langword="null"/> is the default: the five likeliest classes.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <inheritdoc cref="Predict(ReadOnlyMemory{byte}, ImagePredictionOptions?, CancellationToken)"/>
    /// <returns>For each in its order the classes, or why there are none; computed batch by batch as they are asked for.</returns>
    public IEnumerable<ImagePrediction> PredictMany(IEnumerable<string> paths, ImagePredictionOptions? options = null,
        CancellationToken cancellationToken = default)
        => PredictMany(paths, _decoder.Decode, options, cancellationToken);

#pragma warning restore RS0026

    /// <summary>Frees the network if this was loaded from a file; one that was made of a transformer leaves it to its owner.</summary>
    public void Dispose() => _owned?.Dispose();

    private ImagePrediction Predict(PictureScorer.Decoder decode, ImagePredictionOptions? options, CancellationToken cancellation)
        => _scorer.Predict(1, decode, Checked(options), cancellation)[0];

    private IEnumerable<ImagePrediction> PredictMany<T>(IEnumerable<T> pictures, Decoder<T> decode, ImagePredictionOptions? options,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        var wanted = Checked(options);
        return pictures.Chunk(_scorer.BatchSize).SelectMany(batch =>
            _scorer.Predict(batch.Length, (index, pixels) => decode(batch[index], pixels), wanted, cancellation));
    }

    private ImagePredictionOptions Checked(ImagePredictionOptions? options)
    {
        options ??= Default;
        options.Check(Model.ClassNames.Count, nameof(options));
        return options;
    }

    private delegate DecodedPicture Decoder<T>(T picture, Span<byte> pixels);
}
