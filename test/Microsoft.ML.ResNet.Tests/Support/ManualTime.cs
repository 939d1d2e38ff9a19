namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>A clock that moves only when a test says so.</summary>
internal sealed class ManualTime : TimeProvider
{
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _ticks;

    /// <summary>Moves on.</summary>
    public void Pass(TimeSpan time) => _ticks += time.Ticks;
}
