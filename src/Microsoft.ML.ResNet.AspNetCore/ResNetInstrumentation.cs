using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Microsoft.ML.ResNet.AspNetCore;

/// <summary>
/// What a service tells of itself, by the conventions of OpenTelemetry: <c>AddMeter(ResNetInstrumentation.MeterName)</c> and
/// <c>AddSource(ResNetInstrumentation.ActivitySourceName)</c> collect it. Every number has the tag <c>resnet.model</c>, the model's name.
/// </summary>
public sealed class ResNetInstrumentation : IDisposable
{
    /// <summary>
    /// The meter: <c>resnet.requests</c> (calls), <c>resnet.images</c> (pictures classified), <c>resnet.unreadable</c> (pictures that were
    /// not, by <c>error.type</c>), <c>resnet.reloads</c> (models loaded anew), and the histogram <c>resnet.request.duration</c> (seconds,
    /// waiting in line included).
    /// </summary>
    public const string MeterName = "Microsoft.ML.ResNet";

    /// <summary>The source of the activity <c>resnet.predict</c>, one for each call.</summary>
    public const string ActivitySourceName = "Microsoft.ML.ResNet";

    private const string ModelTag = "resnet.model", ErrorTag = "error.type";

    private static readonly ActivitySource Source = new(ActivitySourceName);

    private readonly Meter _meter;
    private readonly Counter<long> _requests, _images, _unreadable, _reloads;
    private readonly Histogram<double> _duration;
    private readonly KeyValuePair<string, object?> _model;

    /// <param name="model">The model's name.</param>
    /// <param name="meters">Makes the meter; <see langword="null"/> makes one that belongs to no container.</param>
    internal ResNetInstrumentation(string model, IMeterFactory? meters)
    {
        _model = new(ModelTag, model);
        _meter = meters?.Create(MeterName) ?? new Meter(MeterName);
        _requests = _meter.CreateCounter<long>("resnet.requests", "{request}", "Calls that asked what is on a picture.");
        _images = _meter.CreateCounter<long>("resnet.images", "{image}", "Pictures that were classified.");
        _unreadable = _meter.CreateCounter<long>("resnet.unreadable", "{image}", "Pictures that could not be classified.");
        _reloads = _meter.CreateCounter<long>("resnet.reloads", "{reload}", "Models that were loaded anew, because their file changed.");
        _duration = _meter.CreateHistogram<double>("resnet.request.duration", "s", "From a call to its answer, waiting in line included.");
    }

    /// <summary>Frees the meter.</summary>
    public void Dispose() => _meter.Dispose();

    /// <summary>A call begins.</summary>
    internal Activity? Begin()
    {
        _requests.Add(1, _model);
        var activity = Source.StartActivity("resnet.predict");
        activity?.SetTag(ModelTag, _model.Value);
        return activity;
    }

    /// <summary>It ends with a prediction.</summary>
    internal void End(Activity? activity, ImagePrediction prediction, TimeSpan duration)
    {
        _duration.Record(duration.TotalSeconds, _model);
        if (prediction.IsReadable)
        {
            _images.Add(1, _model);
            activity?.SetTag("resnet.class", prediction.Top[0].Name);
            return;
        }
        var kind = new KeyValuePair<string, object?>(ErrorTag, prediction.ProblemKind.ToString());
        _unreadable.Add(1, _model, kind);
        activity?.SetTag(ErrorTag, kind.Value);
    }

    /// <summary>It ends with an exception.</summary>
    internal static void Fail(Activity? activity, Exception exception)
        => activity?.SetTag(ErrorTag, exception.GetType().FullName).SetStatus(ActivityStatusCode.Error, exception.Message);

    /// <summary>The model was loaded anew.</summary>
    internal void CountReload() => _reloads.Add(1, _model);
}
