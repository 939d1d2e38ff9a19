using System.Globalization;

namespace Microsoft.ML.ResNet;

/// <summary>What has gone between processes.</summary>
public readonly record struct ProcessTraffic
{
    internal ProcessTraffic(long exchanges, long bytesSent, TimeSpan time) => (Exchanges, BytesSent, Time) = (exchanges, bytesSent, time);

    /// <summary>How often all of them have exchanged something.</summary>
    public long Exchanges { get; }

    /// <summary>What this process has sent to others, in bytes.</summary>
    public long BytesSent { get; }

    /// <summary>How long it has taken, the waiting for slower processes included.</summary>
    public TimeSpan Time { get; }

    /// <summary>What came after an earlier reading.</summary>
    public ProcessTraffic Since(ProcessTraffic earlier)
        => new(Exchanges - earlier.Exchanges, BytesSent - earlier.BytesSent, Time - earlier.Time);

    /// <summary>What was before, and what came after.</summary>
    public ProcessTraffic Plus(ProcessTraffic later)
        => new(Exchanges + later.Exchanges, BytesSent + later.BytesSent, Time + later.Time);

    /// <summary>As in <c>47 exchanges, 2,345,678 bytes sent, 1,234 microseconds</c>, for each of a number of steps.</summary>
    /// <param name="steps">The steps; at least 1.</param>
    public string PerStep(long steps) => string.Create(CultureInfo.InvariantCulture,
        $"{(double)Exchanges / steps:n1} exchanges, {BytesSent / steps:n0} bytes sent, {Time.TotalMicroseconds / steps:n0} microseconds");
}
