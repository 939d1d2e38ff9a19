namespace Microsoft.ML.ResNet;

/// <summary>What is wanted of a prediction. Everything has a default. Immutable.</summary>
public sealed record ImagePredictionOptions
{
    /// <summary>How many classes to tell, at least 1; more than there are is all. The default is 5.</summary>
    public int Top { get; init; } = 5;

    /// <summary>
    /// Whether to tell where the network looked, which takes a second pass through it. The default is <see langword="false"/>.
    /// </summary>
    public bool WithActivationMap { get; init; }

    /// <summary>
    /// The class of the map: its place among <see cref="ResNetModelParameters.ClassNames"/>, from 0. The default,
    /// <see langword="null"/>, is the likeliest.
    /// </summary>
    public int? ActivationMapClass { get; init; }

    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    internal void Check(int classes, string parameter)
    {
        if (Top < 1)
            throw new ArgumentOutOfRangeException(parameter, Top, "ImagePredictionOptions.Top must be at least 1.");
        if (ActivationMapClass is { } index && (index < 0 || index >= classes))
            throw new ArgumentOutOfRangeException(parameter, index,
                $"ImagePredictionOptions.ActivationMapClass must be 0 to {classes - 1}: the network tells {classes} classes apart.");
    }
}
