using System.Text.RegularExpressions;
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
    private const int MaximumWrappers = 4;

    /// <summary>What wrappers put before every name: <c>DataParallel</c> and <c>torch.compile</c>.</summary>
    private static readonly string[] WrapperPrefixes = ["module.", "_orig_mod."];

    /// <summary>
    /// One row for each foreign layout: a name that only it has, and how its names turn into ours. The first row that a state dictionary
    /// fits is taken.
    /// </summary>
    private static readonly Layout[] Layouts =
    [
        new("d2l, class ResNet", @"^net\.last\.2\.weight$", // net = Sequential(b1), then b2..b5 and last by name
        [
            new(@"^net\.0\.", _ => "0."),
            new(@"^net\.b(?<stage>[2-9])\.", match => $"{Number(match) - 1}."),
            new(@"^net\.last\.2\.", _ => "7."),
        ]),
        new("d2l, function resnet18", @"^resnet_block1\.0\.conv1\.weight$", // the stem's layers lie at the top of one Sequential
        [
            new(@"^(?<stage>[01])\.", match => $"0.{Number(match)}."),
            new(@"^resnet_block(?<stage>[1-9])\.", match => $"{Number(match)}."),
            new(@"^fc\.1\.", _ => "7."),
        ]),
        new("kuangliu and akamaster", @"^linear\.weight$",
        [
            new(@"^linear\.", _ => "fc."),
            new(@"^(?<block>layer[0-9]+\.[0-9]+)\.shortcut\.", match => match.Groups["block"].Value + ".downsample."),
        ]),
    ];

    /// <summary>
    /// Maps the names of a whole state dictionary: first drops the wrappers' prefixes, then applies the rules of the layout that it fits.
    /// </summary>
    /// <param name="names">All names of the state dictionary.</param>
    /// <returns>Our names, in the same order.</returns>
    public static IReadOnlyList<string> ToOurs(IEnumerable<string> names)
    {
        var plain = WithoutWrappers(names);
        var layout = Array.Find(Layouts, candidate => plain.Any(candidate.Fits));
        return layout is null ? plain : [.. plain.Select(layout.Map)];
    }

    /// <summary>Gives tensors our names; see <see cref="ToOurs(IEnumerable{string})"/>.</summary>
    /// <exception cref="WeightsFormatException">Two tensors get the same name.</exception>
    public static IReadOnlyList<NamedTensor> ToOurs(IReadOnlyList<NamedTensor> tensors)
    {
        var names = ToOurs(tensors.Select(tensor => tensor.Name));
        var renamed = tensors.Zip(names, (tensor, name) => tensor with { Name = name }).ToList();
        var twice = names.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Skip(1).Any());
        return twice is null
            ? renamed
            : throw new WeightsFormatException("state dictionary", $"tensor {UntrustedText.Quote(twice.Key)}",
                "expected one tensor for each part of the network, found two that mean this one");
    }

    /// <summary>
    /// Drops <c>module.</c> and <c>_orig_mod.</c> from the front of all names, where all of them have it, up to four deep. A prefix that
    /// only some names have is part of them.
    /// </summary>
    public static IReadOnlyList<string> WithoutWrappers(IEnumerable<string> names)
    {
        IReadOnlyList<string> plain = [.. names];
        for (var depth = 0; depth < MaximumWrappers && plain.Count > 0; depth++)
        {
            var common = Array.Find(WrapperPrefixes, prefix => plain.All(name => name.StartsWith(prefix, StringComparison.Ordinal)));
            if (common is null)
                break;
            plain = [.. plain.Select(name => name[common.Length..])];
        }
        return plain;
    }

    private static int Number(Match match) => match.Groups["stage"].ValueSpan[0] - '0';

    /// <summary>A way to name the parts of a residual network.</summary>
    /// <param name="Origin">Whose it is.</param>
    /// <param name="Sign">Matches a name that only this layout has.</param>
    /// <param name="Rules">Applied to each name: the first that matches replaces what it matches.</param>
    private sealed record Layout(string Origin, string Sign, Rule[] Rules)
    {
        public bool Fits(string name) => Regex.IsMatch(name, Sign, RegexOptions.CultureInvariant);

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
