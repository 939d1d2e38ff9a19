using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Microsoft.ML.ResNet.AspNetCore;

/// <summary>
/// Tells what is on pictures with the model of a file, and with its next content once the file changes. Any number of callers may use it at
/// once; each answer is of one model. <c>services.AddResNet("model.zip")</c> registers it.
/// </summary>
public sealed partial class ResNetService : IDisposable
{
    private readonly ResNetServiceOptions _options;
    private readonly ILogger _logger;
    private readonly ResNetInstrumentation _instrumentation;
    private readonly SemaphoreSlim _computations;
    private readonly Lock _change = new(); // of the model, one at a time
    private LoadedModel _model;
    private FileStamp? _seen, _failed; // at the last look; what could not be loaded
    private string? _problem;
    private int _disposed;

    /// <summary>Loads the model, and computes one picture with it.</summary>
    /// <param name="name">The name by which metrics, traces and logs call it.</param>
    /// <param name="path">The model's file.</param>
    /// <param name="options">How it is served; <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Is told of models that are loaded anew, or cannot be.</param>
    /// <param name="meters">Makes the meter.</param>
    /// <exception cref="ArgumentException">A name or path is empty, or an option out of its range.</exception>
    /// <exception cref="ModelFormatException">The file is no model, a damaged one, or one without a residual network.</exception>
    /// <exception cref="NotSupportedException">The network takes images of 2 or 4 channels.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public ResNetService(string name, string path, ResNetServiceOptions? options = null, ILogger<ResNetService>? logger = null,
        IMeterFactory? meters = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(path);
        _options = options ?? new();
        _options.Check();
        _logger = logger ?? NullLogger<ResNetService>.Instance;
        (Name, Path) = (name, System.IO.Path.GetFullPath(path));
        _model = LoadedModel.Load(Path, _options.Limits);
        _seen = _model.Stamp;
        _computations = new(_options.MaximumConcurrency);
        _instrumentation = new(name, meters);
        LogLoaded(Name, Path, Model.Architecture.Name, Model.ClassNames.Count);
    }

    /// <summary>The name by which metrics, traces and logs call it.</summary>
    public string Name { get; }

    /// <summary>The model's file, as a full path.</summary>
    public string Path { get; }

    /// <summary>The network that answers now: its classes, its images and its plan.</summary>
    public ResNetModelParameters Model => Volatile.Read(ref _model).Classifier.Model;

    /// <summary>
    /// Why the file's newest content does not answer, and that of before still does; <see langword="null"/> where the newest answers.
    /// </summary>
    public string? ReloadProblem => Volatile.Read(ref _problem);

    /// <summary>How it is served.</summary>
    internal ResNetServiceOptions Options => _options;

#pragma warning disable RS0026 // overloads with optional parameters: the first parameter's type tells them apart

    /// <summary>Tells what is on an encoded picture, on a thread of the pool, when its turn has come.</summary>
    /// <param name="encoded">The whole file: JPEG, PNG, WebP, GIF (its first frame) or BMP.</param>
    /// <param name="options">What is wanted; <see langword="null"/> is the default: the five likeliest classes.</param>
    /// <param name="cancellationToken">Ends the call, in line or between the decoding and the network.</param>
    /// <returns>The classes, or why there are none.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The service was disposed.</exception>
    public Task<ImagePrediction> PredictAsync(ReadOnlyMemory<byte> encoded, ImagePredictionOptions? options = null,
        CancellationToken cancellationToken = default)
        => PredictAsync(classifier => classifier.Predict(encoded, options, cancellationToken), cancellationToken);

    /// <summary>Tells what is on the picture in a stream: the body of a request, or an uploaded file.</summary>
    /// <param name="stream">
    /// The encoded picture, from the stream's position to its end, which is read before the call waits for its turn; of more bytes than
    /// <see cref="ImageClassifierOptions.MaximumBytes"/> one more is read. It stays open.
    /// </param>
    /// <param name="options">What is wanted; <see langword="null"/> is the default: the five likeliest classes.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <inheritdoc cref="PredictAsync(ReadOnlyMemory{byte}, ImagePredictionOptions?, CancellationToken)"/>
    /// <exception cref="IOException">The stream failed.</exception>
    public async Task<ImagePrediction> PredictAsync(Stream stream, ImagePredictionOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var content = await LimitedReading.ReadAsync(stream, _options.Limits.MaximumBytes, cancellationToken).ConfigureAwait(false);
        return await PredictAsync(content, options, cancellationToken).ConfigureAwait(false);
    }

#pragma warning restore RS0026

    /// <summary>Frees the network, once the calls in flight are done. More calls do nothing.</summary>
    public void Dispose()
    {
        lock (_change)
        {
            if (Interlocked.Exchange(ref _disposed, 1) != 0)
                return;
            _model.Leave();
            _instrumentation.Dispose();
        }
    }

    /// <summary>Looks at the file, and loads it if it is another than the one that answers and the same as at the last look.</summary>
    /// <returns>Whether another model answers from now on.</returns>
    internal bool Reload()
    {
        lock (_change)
            return _disposed == 0 && ReloadChanged();
    }

    private bool ReloadChanged()
    {
        var (loaded, before) = (_model.Stamp, _seen);
        _seen = FileStamp.Of(Path);
        if (_seen is null || _seen == loaded)
        {
            Volatile.Write(ref _problem, _seen is null ? $"There is no file '{Path}' any more." : null);
            return false;
        }
        if (_seen != before || _seen == _failed)
            return false;
        try
        {
            var next = LoadedModel.Load(Path, _options.Limits);
            Interlocked.Exchange(ref _model, next).Leave();
        }
        catch (Exception exception) // whatever a file can do, the model of before goes on
        {
            _failed = _seen;
            Volatile.Write(ref _problem, $"'{Path}' has changed and cannot be used: {exception.Message}");
            LogKept(exception, Name, Path);
            return false;
        }
        Volatile.Write(ref _problem, null);
        _instrumentation.CountReload();
        LogLoaded(Name, Path, Model.Architecture.Name, Model.ClassNames.Count);
        return true;
    }

    private async Task<ImagePrediction> PredictAsync(Func<ImageClassifier, ImagePrediction> predict, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        using var activity = _instrumentation.Begin();
        var begin = Stopwatch.GetTimestamp();
        try
        {
            await _computations.WaitAsync(cancellation).ConfigureAwait(false);
            ImagePrediction prediction;
            try
            {
                prediction = await Task.Run(() => Predict(predict), cancellation).ConfigureAwait(false);
            }
            finally
            {
                _computations.Release();
            }
            _instrumentation.End(activity, prediction, Stopwatch.GetElapsedTime(begin));
            return prediction;
        }
        catch (Exception exception)
        {
            ResNetInstrumentation.Fail(activity, exception);
            throw;
        }
    }

    private ImagePrediction Predict(Func<ImageClassifier, ImagePrediction> predict)
    {
        var model = Volatile.Read(ref _model);
        while (!model.TryEnter()) // another has taken its place in this moment
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
            model = Volatile.Read(ref _model);
        }
        try
        {
            return predict(model.Classifier);
        }
        finally
        {
            model.Leave();
        }
    }

    [LoggerMessage(LogLevel.Information, "Model {Name}: loaded {Path}, {Architecture} of {Classes} classes.")]
    private partial void LogLoaded(string name, string path, string architecture, int classes);

    [LoggerMessage(LogLevel.Error, "Model {Name}: {Path} has changed and cannot be used; the model of before goes on answering.")]
    private partial void LogKept(Exception exception, string name, string path);
}
