using System.Globalization;
using System.Text;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet;

/// <summary>What became of the tensors of a weights file, or of the model that training started from. Prints itself.</summary>
/// <param name="Matched">The network's tensors that were filled from the file, in the network's order.</param>
/// <param name="Missing">
/// Those that the file lacks. Counters of batches (<c>num_batches_tracked</c>), which old files lack and no score depends on, are not
/// listed.
/// </param>
/// <param name="Unexpected">Tensors of the file that the network does not have, under the names that the file's were turned into.</param>
/// <param name="Mismatched">
/// Tensors of another shape or type, each as <c>fc.weight: Float32[1000, 512], expected Float32[10, 512]</c>; a head of other classes, as
/// <c>fc.weight: of other classes</c>.
/// </param>
public sealed record WeightsReport(IReadOnlyList<string> Matched, IReadOnlyList<string> Missing, IReadOnlyList<string> Unexpected,
    IReadOnlyList<string> Mismatched)
{
    /// <summary>
    /// Those of <see cref="Matched"/> that training then left as they were, as <see cref="ResNetTrainer.Options.FrozenStages"/> says. The
    /// default is none.
    /// </summary>
    public IReadOnlyList<string> Frozen { get; init; } = [];

    /// <summary>Whether file and network fit: nothing is missing, unexpected or mismatched.</summary>
    public bool IsExact => Missing.Count + Unexpected.Count + Mismatched.Count == 0;

    /// <summary>
    /// As in <c>100 matched, 24 frozen; 2 missing: 'fc.weight', 'fc.bias'</c>: counts, and the first ten names of each kind that does not
    /// fit.
    /// </summary>
    public override string ToString()
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{Matched.Count} matched");
        if (Frozen.Count > 0)
            text.Append(CultureInfo.InvariantCulture, $", {Frozen.Count} frozen");
        foreach (var (kind, names) in new[] { ("missing", Missing), ("mismatched", Mismatched), ("unexpected", Unexpected) })
            if (names.Count > 0)
                text.Append(CultureInfo.InvariantCulture, $"; {names.Count} {kind}: {UntrustedText.List(names)}");
        return text.ToString();
    }
}
