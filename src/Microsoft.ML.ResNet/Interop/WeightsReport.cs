using System.Globalization;
using System.Text;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet;

/// <summary>What became of the tensors of a weights file, or of the model that training started from. Prints itself.</summary>
public sealed class WeightsReport
{
    internal WeightsReport(IReadOnlyList<string> matched, IReadOnlyList<string> missing, IReadOnlyList<string> unexpected,
        IReadOnlyList<string> mismatched)
    {
        Matched = matched;
        Missing = missing;
        Unexpected = unexpected;
        Mismatched = mismatched;
    }

    /// <summary>The network's tensors that were filled, in the network's order.</summary>
    public IReadOnlyList<string> Matched { get; }

    /// <summary>
    /// Those that the file lacks. Counters of batches (<c>num_batches_tracked</c>), which old files lack and no score depends on, are not
    /// listed.
    /// </summary>
    public IReadOnlyList<string> Missing { get; }

    /// <summary>Tensors of the file that the network does not have, under the names that the file's were turned into.</summary>
    public IReadOnlyList<string> Unexpected { get; }

    /// <summary>
    /// Tensors of another shape or type, each as <c>fc.weight: Float32[1000, 512], expected Float32[10, 512]</c>; a head of other classes,
    /// as <c>fc.weight: of other classes</c>.
    /// </summary>
    public IReadOnlyList<string> Mismatched { get; }

    /// <summary>
    /// What the file was read as: <c>PyTorch file</c>, <c>safetensors file</c> or <c>ONNX file</c>; <see langword="null"/> where the
    /// weights come from no file.
    /// </summary>
    public string? FileKind { get; internal init; }

    /// <summary>
    /// Whether the weights are a backbone: everything came from the file but the head, which it lacks or nobody asked for
    /// (<see cref="ResNetWeightsOptions.ClassNames"/>). The default is false.
    /// </summary>
    public bool IsBackbone { get; internal init; }

    /// <summary>
    /// Those of <see cref="Matched"/> that training then left as they were, as <see cref="ResNetTrainer.Options.FrozenStages"/> says. The
    /// default is none.
    /// </summary>
    public IReadOnlyList<string> Frozen { get; internal init; } = [];

    /// <summary>
    /// Which of the networks in the file was read, by the key of its state dictionary or the prefix of its names, such as
    /// <c>state_dict</c> or <c>module</c>; <see langword="null"/> where the file is nothing but one state dictionary.
    /// </summary>
    public string? StateDictKey { get; internal init; }

    /// <summary>
    /// The other networks in the file, such as a moving average of the weights (<c>model_ema</c>): what
    /// <see cref="ResNetWeightsOptions.StateDictKey"/> could be. The default is none.
    /// </summary>
    public IReadOnlyList<string> OtherStateDictKeys { get; internal init; } = [];

    /// <summary>Whether file and network fit: nothing is missing, unexpected or mismatched.</summary>
    public bool IsExact => Missing.Count + Unexpected.Count + Mismatched.Count == 0;

    /// <summary>
    /// As in <c>100 matched, 24 frozen; 2 missing: 'fc.weight', 'fc.bias'</c>: counts, whether it is a backbone without a head, and the
    /// first ten names of each kind that does not fit.
    /// </summary>
    public override string ToString()
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{Matched.Count} matched");
        if (Frozen.Count > 0)
            text.Append(CultureInfo.InvariantCulture, $", {Frozen.Count} frozen");
        if (IsBackbone)
            text.Append(", a backbone without a head");
        if (!IsExact)
            text.Append("; ").Append(StateMatch.Describe(Missing, Mismatched, Unexpected));
        return text.ToString();
    }
}
