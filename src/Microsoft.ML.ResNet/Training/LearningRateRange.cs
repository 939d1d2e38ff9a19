using System.Globalization;

namespace Microsoft.ML.ResNet;

/// <summary>Which rates <see cref="ResNetTrainer.FindLearningRate"/> tries, and in how many steps. An immutable value.</summary>
public sealed record LearningRateRange
{
    /// <summary>The rate of the first step; above 0. The default is 1e-5.</summary>
    public double Least { get; init; } = 1e-5;

    /// <summary>
    /// The rate of the last step, which a training that diverges before does not reach; above <see cref="Least"/>. The default is 10.
    /// </summary>
    public double Most { get; init; } = 10;

    /// <summary>
    /// Steps, each with a batch of its own and a rate that is higher by the same factor; at least 20. The default is 150.
    /// </summary>
    public int Steps { get; init; } = 150;

    /// <summary>Lists what makes this value unusable; empty when nothing does.</summary>
    internal IEnumerable<string> Problems()
    {
        if (!(Least > 0 && Least < Most && double.IsFinite(Most)))
            yield return string.Create(CultureInfo.InvariantCulture,
                $"LearningRateRange is from {Least} to {Most}; expected two numbers above 0, the first below the second.");
        if (Steps < 20)
            yield return $"LearningRateRange.Steps is {Steps}; it must be at least 20, for a curve that has a shape.";
    }
}
