using System.Globalization;

namespace Microsoft.ML.ResNet;

/// <summary>Ends training when the validation set says that it no longer helps. The best epoch's weights are kept in any case.</summary>
public sealed record EarlyStopping
{
    /// <summary>Epochs in a row without enough improvement after which training ends; at least 1. The default is 10.</summary>
    public int Patience { get; init; } = 10;

    /// <summary>What counts as an improvement: more than this, in the metric's own unit; 0 or more. The default is 0.</summary>
    public double MinimumChange { get; init; }

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
