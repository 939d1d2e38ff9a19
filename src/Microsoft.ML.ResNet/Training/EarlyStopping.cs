using System.Globalization;

namespace Microsoft.ML.ResNet;

/// <summary>By which figure of the validation set one epoch is better than another.</summary>
public enum ValidationMetric
{
    /// <summary>The part that is classified right: higher is better; between equals, the lower loss.</summary>
    Accuracy,

    /// <summary>The mean cross-entropy: lower is better.</summary>
    Loss,
}

/// <summary>Ends training when the validation set says that it no longer helps. The best epoch's weights are kept in any case.</summary>
/// <param name="Patience">Epochs in a row without enough improvement after which training ends; at least 1. The default is 10.</param>
/// <param name="MinimumChange">
/// What counts as an improvement: more than this, in the metric's own unit; 0 or more. The default is 0.
/// </param>
public sealed record EarlyStopping(int Patience = 10, double MinimumChange = 0)
{
    /// <summary>Lists what makes this value unusable; empty when nothing does.</summary>
    internal IEnumerable<string> Problems()
    {
        if (Patience < 1)
            yield return $"EarlyStopping.Patience is {Patience}; it must be at least 1 epoch.";
        if (!(double.IsFinite(MinimumChange) && MinimumChange >= 0))
            yield return string.Create(CultureInfo.InvariantCulture,
                $"EarlyStopping.MinimumChange is {MinimumChange}; it must be a number of at least 0.");
    }
}
