namespace Microsoft.ML.ResNet.AspNetCore;

/// <summary>How a <see cref="ResNetService"/> serves its model.</summary>
public sealed class ResNetServiceOptions
{
    /// <summary>What is refused: pictures of too many bytes or pixels.</summary>
    public ImageClassifierOptions Limits { get; set; } = new();

    /// <summary>
    /// Pictures that are computed at a time; more wait in line. 1 or more; the default is the number of processors. Each computation may
    /// use several threads of its own.
    /// </summary>
    public int MaximumConcurrency { get; set; } = Environment.ProcessorCount;

    /// <summary>
    /// How often the file of the model is looked at, to load it anew when it has changed; above zero. <see langword="null"/> never looks.
    /// The default is 5 seconds. A file is loaded once it was the same twice in a row, so one that is still being copied is left alone.
    /// </summary>
    public TimeSpan? ReloadInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    internal void Check()
    {
        ArgumentNullException.ThrowIfNull(Limits);
        if (MaximumConcurrency < 1)
            throw new ArgumentException($"{nameof(ResNetServiceOptions)}.{nameof(MaximumConcurrency)} is {MaximumConcurrency}; expected at "
                + "least 1.");
        if (ReloadInterval <= TimeSpan.Zero)
            throw new ArgumentException(
                $"{nameof(ResNetServiceOptions)}.{nameof(ReloadInterval)} is {ReloadInterval}; expected above zero, "
                + "or null to keep the model that was loaded at the start.");
    }
}
