namespace Microsoft.ML.ResNet;

/// <summary>A class and how likely a network holds it to be.</summary>
public readonly record struct ClassProbability
{
    internal ClassProbability(int index, string name, float probability) => (Index, Name, Probability) = (index, name, probability);

    /// <summary>The place of the class among <see cref="ResNetModelParameters.ClassNames"/>, from 0.</summary>
    public int Index { get; }

    /// <summary>The name of the class.</summary>
    public string Name { get; }

    /// <summary>From 0 to 1; those of all classes add up to 1. Never NaN.</summary>
    public float Probability { get; }

    /// <summary>As in <c>cat 0.981</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Name} {Probability:0.000}");
}
