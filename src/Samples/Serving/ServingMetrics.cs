using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Samples.Serving;

/// <summary>What the service counts since it started, in Prometheus' text format 0.0.4. Thread-safe.</summary>
internal sealed class ServingMetrics
{
    private static readonly double[] Bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]; // seconds

    private readonly ConcurrentDictionary<int, long> _requests = new(); // by status
    private readonly long[] _durations = new long[Bounds.Length + 1]; // by the first bound that is not less; the last is beyond all
    private long _images, _unreadable, _inFlight, _microseconds;

    /// <summary>Pictures that were classified.</summary>
    public long Images => Interlocked.Read(ref _images);

    /// <summary>Pictures that could not be.</summary>
    public long Unreadable => Interlocked.Read(ref _unreadable);

    /// <summary>Requests for predictions, answered with a prediction or a problem.</summary>
    public long Requests => _requests.Values.Sum();

    /// <summary>A request for a prediction begins.</summary>
    public void Begin() => Interlocked.Increment(ref _inFlight);

    /// <summary>It ends.</summary>
    /// <param name="status">The status code of the answer.</param>
    public void End(int status)
    {
        Interlocked.Decrement(ref _inFlight);
        _requests.AddOrUpdate(status, 1, (_, count) => count + 1);
    }

    /// <summary>A picture could not be classified.</summary>
    public void CountUnreadable() => Interlocked.Increment(ref _unreadable);

    /// <summary>A picture was classified.</summary>
    /// <param name="duration">What decoding and computing took.</param>
    public void CountImage(TimeSpan duration)
    {
        Interlocked.Increment(ref _images);
        Interlocked.Add(ref _microseconds, (long)duration.TotalMicroseconds);
        var bound = Array.FindIndex(Bounds, bound => duration.TotalSeconds <= bound);
        Interlocked.Increment(ref _durations[bound < 0 ? Bounds.Length : bound]);
    }

    /// <summary>The page of <c>GET /metrics</c>.</summary>
    public string ToPrometheus()
    {
        var text = new StringBuilder();
        Head("resnet_requests_total", "counter", "Requests for predictions, by the status of the answer.");
        foreach (var (status, count) in _requests.OrderBy(entry => entry.Key))
            Line($"resnet_requests_total{{status=\"{status}\"}} {count}");
        Head("resnet_requests_in_flight", "gauge", "Requests for predictions that are not yet answered.");
        Line($"resnet_requests_in_flight {Interlocked.Read(ref _inFlight)}");
        Head("resnet_images_total", "counter", "Pictures that were classified.");
        Line($"resnet_images_total {Images}");
        Head("resnet_unreadable_total", "counter", "Pictures that could not be read.");
        Line($"resnet_unreadable_total {Unreadable}");
        Head("resnet_image_seconds", "histogram", "What decoding and computing a picture took.");
        var below = 0L;
        foreach (var (bound, index) in Bounds.Append(double.PositiveInfinity).Select((bound, index) => (bound, index)))
        {
            below += Interlocked.Read(ref _durations[index]);
            Line($"resnet_image_seconds_bucket{{le=\"{(double.IsFinite(bound) ? bound : "+Inf")}\"}} {below}");
        }
        Line($"resnet_image_seconds_sum {Interlocked.Read(ref _microseconds) / 1e6}");
        Line($"resnet_image_seconds_count {below}");
        return text.ToString();

        void Head(string name, string type, string help) => Line($"# HELP {name} {help}\n# TYPE {name} {type}");
        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }
}
