using Microsoft.ML.ResNet.Cpu.Inference;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Scoring;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Tells what is on a picture: one call, from any number of threads at once. A picture is a file, a stream, or the bytes of a file, of any
/// size. <see cref="Load(string, ImageClassifierOptions?)"/> opens a model file without ML.NET. With the package of the trainer,
/// <c>ResNetTransformer.CreateClassifier</c> and <c>mlContext.Model.LoadImageClassifier</c> make one too, and an <c>MLImage</c> is a
/// picture.
/// </summary>
/// <remarks>
/// The probabilities are those of <c>ResNetTransformer.Transform</c>, bit for bit. A picture that cannot be read is no exception but
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

#pragma warning disable RS0026 // overloads with optional parameters: the first parameter's type tells them apart

    /// <summary>Opens a model file that <c>mlContext.Model.Save</c> or <c>SaveResNet</c> wrote, without ML.NET and libtorch.</summary>
    /// <param name="path">The file: a residual network alone, or a pipeline with one among its steps; of several, the first.</param>
    /// <param name="options">What the classifier refuses to look at; <see langword="null"/> for the default.</param>
    /// <inheritdoc cref="Load(Stream, ImageClassifierOptions?)"/>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    public static ImageClassifier Load(string path, ImageClassifierOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var file = SafeFile.OpenRead(path);
        return Load(file, options);
    }

    /// <summary>Opens a model file that <c>mlContext.Model.Save</c> or <c>SaveResNet</c> wrote, without ML.NET and libtorch.</summary>
    /// <param name="stream">The file, and nothing else; readable, seekable, at its start. It stays open.</param>
    /// <param name="options">What the classifier refuses to look at; <see langword="null"/> for the default.</param>
    /// <returns>The classifier; dispose it to free the network.</returns>
    /// <remarks>
    /// Of a pipeline, only the network is asked: steps before it, such as one that changes colours, are left out. Nothing that the file
    /// names is looked for or run, so that one from a stranger can do no more harm than to be refused.
    /// </remarks>
    /// <exception cref="ModelFormatException">
    /// The file is damaged, cut short, of a newer version, no model at all, or one without a residual network.
    /// </exception>
    /// <exception cref="ArgumentException">The stream cannot be read, or cannot seek.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="NotSupportedException">
    /// The network takes images of 2 or 4 channels, or images so large that libtorch alone computes them.
    /// </exception>
    /// <exception cref="IOException">The file failed.</exception>
    public static ImageClassifier Load(Stream stream, ImageClassifierOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanRead || !stream.CanSeek)
            throw new ArgumentException("Expected a stream that can be read and can seek. Copy it to a MemoryStream first.",
                nameof(stream));
        ImageDecoder.LoadAhead();
        _ = ScoringCode.CompileAhead();
        using var opened = ModelFile.Open(stream);
        var network = opened.Model;
        if (EngineChoice.TryKernels(network, out var problem) is not { } choice)
        {
            opened.Verify();
            throw new NotSupportedException($"The network needs libtorch, because {problem}. Load it with mlContext.Model.LoadResNet.");
        }
        var scorer = new BatchScorer(network, choice);
        try
        {
            scorer.Engine.Prepare(); // while the weights are compared with their checksum
            opened.Verify();
            return new(new ResNetModelParameters(network), scorer, options, owned: scorer);
        }
        catch
        {
            scorer.Dispose();
            throw;
        }
    }

    /// <summary>The network: its classes, its images and its plan.</summary>
    public ResNetModelParameters Model { get; }

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

    /// <summary>Takes the pixels of pictures in memory.</summary>
    internal PictureDecoder Pictures => _decoder;

    /// <summary>Tells what is on a picture that the caller decodes.</summary>
    internal ImagePrediction Predict(PictureScorer.Decoder decode, ImagePredictionOptions? options, CancellationToken cancellation)
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
