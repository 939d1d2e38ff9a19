namespace Microsoft.ML.ResNet;

/// <summary>
/// The rule by which a step turns gradients into new weights. An immutable value; its state during training lives elsewhere.
/// </summary>
public abstract record Optimizer
{
    private protected Optimizer()
    {
    }

    /// <summary>Begins to optimise.</summary>
    /// <param name="parameters">The weights; they stay the network's.</param>
    /// <param name="join">
    /// Whether weights become views of one tensor, so that a step takes a few operations however many there are; the numbers stay the same.
    /// </param>
    internal abstract Training.ParameterUpdate Start(IReadOnlyList<Training.TrainedParameter> parameters, bool join);

    /// <summary>Lists what makes this value unusable; empty when nothing does.</summary>
    internal abstract IEnumerable<string> Problems();
}
