using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.Interop.PyTorch;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop;

/// <summary>
/// Maps the names that other PyTorch code gives to the parts of a residual network to ours. Ours are torchvision's and timm's
/// (<c>conv1</c>, <c>bn1</c>, <c>layer1.0.conv1</c>, <c>layer2.0.downsample.0</c>, <c>fc</c>), and for the teaching variant with biased
/// convolutions the indices of <i>Dive into Deep Learning</i> (<c>0.0</c>, <c>1.0.conv1</c>, <c>7</c>). Names that no rule knows stay as
/// they are: a name that is ours already, or one that loading will report as unexpected.
/// </summary>
internal static class ForeignStateNames
{
    /// <summary>What PyTorch's <c>AveragedModel</c> keeps beside the weights that it averages.</summary>
    private const string AveragedModelCounter = "n_averaged";

    /// <summary>
    /// One row for each way to name: a name that only it has, and how its names turn into ours. The first row that a state dictionary
    /// fits is taken. Whatever stands before that name (<c>module.</c>, <c>model.</c>, <c>backbone.</c>) is the prefix of the network.
    /// </summary>
    private static readonly Layout[] Layouts =
    [
        new("d2l, class ResNet", "net.last.2.weight", // net = Sequential(b1), then b2..b5 and last by name
        [
            new(@"^net\.0\.", _ => "0."),
            new(@"^net\.b(?<stage>[2-9])\.", match => $"{Number(match) - 1}."),
            new(@"^net\.last\.2\.", _ => "7."),
        ]),
        new("d2l, function resnet18", "resnet_block1.0.conv1.weight", // the stem's layers lie at the top of one Sequential
        [
            new(@"^(?<stage>[01])\.", match => $"0.{Number(match)}."),
            new(@"^resnet_block(?<stage>[1-9])\.", match => $"{Number(match)}."),
            new(@"^fc\.1\.", _ => "7."),
        ]),
        new("d2l, ours", "1.0.conv1.weight", []),
        new("Hugging Face transformers", "embedder.embedder.convolution.weight",
        [
            new(@"^embedder\.embedder\.convolution\.", _ => "conv1."),
            new(@"^embedder\.embedder\.normalization\.", _ => "bn1."),
            new(@"^encoder\.stages\.(?<stage>[0-8])\.layers\.(?<block>[0-9]+)\.layer\.(?<layer>[0-8])\.convolution\.",
                match => $"layer{Number(match) + 1}.{match.Groups["block"]}.conv{Number(match, "layer") + 1}."),
            new(@"^encoder\.stages\.(?<stage>[0-8])\.layers\.(?<block>[0-9]+)\.layer\.(?<layer>[0-8])\.normalization\.",
                match => $"layer{Number(match) + 1}.{match.Groups["block"]}.bn{Number(match, "layer") + 1}."),
            new(@"^encoder\.stages\.(?<stage>[0-8])\.layers\.(?<block>[0-9]+)\.shortcut\.convolution\.",
                match => $"layer{Number(match) + 1}.{match.Groups["block"]}.downsample.0."),
            new(@"^encoder\.stages\.(?<stage>[0-8])\.layers\.(?<block>[0-9]+)\.shortcut\.normalization\.",
                match => $"layer{Number(match) + 1}.{match.Groups["block"]}.downsample.1."),
        ]),
        new("torchvision, timm, kuangliu, akamaster", "layer1.0.conv1.weight",
        [
            new(@"^linear\.", _ => "fc."),
            new(@"^(?<block>layer[0-9]+\.[0-9]+)\.shortcut\.", match => match.Groups["block"].Value + ".downsample."),
        ]),
        new("Sequential(*resnet.children()), as in fastai", "4.0.conv1.weight", // 2 is the ReLU, 3 the pooling
        [
            new(@"^0\.", _ => "conv1."),
            new(@"^1\.", _ => "bn1."),
            new(@"^(?<stage>[4-7])\.", match => $"layer{Number(match) - 3}."),
        ]),
    ];

    /// <summary>
    /// Chooses one network, where a state dictionary holds several under different prefixes, and gives its tensors our names without the
    /// prefix. Tensors outside every network, such as a head beside a <c>backbone.</c>, keep their names: <see cref="ForeignHead"/> knows
    /// a head.
    /// </summary>
    /// <param name="checkpoint">The tensors under the names of the file.</param>
    /// <param name="wanted">The key or the prefix of the network that is meant; <see langword="null"/> chooses.</param>
    /// <exception cref="WeightsFormatException">
    /// Two tensors get the same name; no network is called <paramref name="wanted"/>; or several are and nothing tells which is meant.
    /// </exception>
    public static WeightsFile Resolve(PyTorchCheckpoint checkpoint, string? wanted)
    {
        var names = checkpoint.Tensors.Select(tensor => tensor.Name).ToList();
        var layout = Array.Find(Layouts, candidate => candidate.Prefixes(names).Any());
        var prefixes = layout?.Prefixes(names).ToList() ?? [];
        var keys = prefixes.Select(prefix => prefix.TrimEnd('.')).ToList();
        var isMet = wanted is null || NetworkChoice.Means(wanted, checkpoint.Key);
        if (!isMet && !keys.Exists(key => NetworkChoice.Means(wanted!, key)))
            throw NetworkChoice.Unknown(wanted!, [.. checkpoint.AllKeys, .. keys]);
        if (layout is null)
            return new(Distinct(checkpoint.Tensors), checkpoint.Key, checkpoint.OtherKeys);

        var chosen = NetworkChoice.Choose(keys, isMet ? null : wanted);
        var tensors = new List<NamedTensor>();
        foreach (var tensor in checkpoint.Tensors)
        {
            var owner = prefixes.Where(prefix => tensor.Name.StartsWith(prefix, StringComparison.Ordinal)).MaxBy(prefix => prefix.Length);
            if (owner == prefixes[chosen])
                tensors.Add(tensor with { Name = layout.Map(tensor.Name[owner.Length..]) });
            else if (owner is null && tensor.Name != AveragedModelCounter)
                tensors.Add(tensor);
        }
        List<string> others = [.. keys.Where((_, index) => index != chosen)];
        return new(Distinct(tensors), others.Count > 0 ? keys[chosen] : checkpoint.Key, [.. checkpoint.OtherKeys, .. others]);
    }

    private static IReadOnlyList<NamedTensor> Distinct(IReadOnlyList<NamedTensor> tensors)
        => tensors.GroupBy(tensor => tensor.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Skip(1).Any()) is not { } twice
            ? tensors
            : throw new WeightsFormatException("state dictionary", $"tensor {UntrustedText.Quote(twice.Key)}",
                "expected one tensor for each part of the network, found two that mean this one");

    private static int Number(Match match, string group = "stage") => match.Groups[group].ValueSpan[0] - '0';

    /// <summary>A way to name the parts of a residual network.</summary>
    /// <param name="Origin">Whose it is.</param>
    /// <param name="Sign">A name that only this layout has.</param>
    /// <param name="Rules">Applied to each name: the first that matches replaces what it matches.</param>
    private sealed record Layout(string Origin, string Sign, Rule[] Rules)
    {
        /// <summary>What stands before the sign, each ending in a dot or empty: one for each network of this layout.</summary>
        public IEnumerable<string> Prefixes(IEnumerable<string> names)
            => names.Where(name => name.EndsWith(Sign, StringComparison.Ordinal)).Select(name => name[..^Sign.Length])
                .Where(prefix => prefix.Length == 0 || prefix[^1] == '.').Distinct(StringComparer.Ordinal);

        public string Map(string name) => Array.Find(Rules, rule => rule.Pattern.IsMatch(name)) is { } rule
            ? rule.Pattern.Replace(name, rule.Replace)
            : name;

        public override string ToString() => Origin;
    }

    /// <summary>Replaces the part of a name that a pattern matches.</summary>
    private sealed record Rule(string Expression, MatchEvaluator Replace)
    {
        public Regex Pattern { get; } = new(Expression, RegexOptions.CultureInvariant);
    }
}
