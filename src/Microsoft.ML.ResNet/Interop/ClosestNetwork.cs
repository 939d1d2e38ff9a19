using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop;

/// <summary>Finds the named architecture that weights come closest to, for the message that they do not fit another.</summary>
internal static partial class ClosestNetwork
{
    private const int MaximumStages = 8, MaximumBlocks = 1000;
    private static readonly int[] ImageNetDepths = [18, 34, 50, 101, 152];

    /// <summary>How many blocks each stage has, as the names tell: the last block's number and one; 0 where a stage has none.</summary>
    /// <param name="found">The tensors, under our names.</param>
    public static IReadOnlyList<int> Blocks(IReadOnlyList<NamedTensor> found)
    {
        var blocks = new int[MaximumStages];
        foreach (var match in found.Select(tensor => BlockName().Match(tensor.Name)).Where(match => match.Success))
            if (Number(match, "stage") is >= 1 and <= MaximumStages and var stage
                && Number(match, "block") is < MaximumBlocks and var block)
                blocks[stage - 1] = Math.Max(blocks[stage - 1], block + 1);
        return [.. blocks.Take(Array.FindLastIndex(blocks, count => count > 0) + 1)];
    }

    /// <summary>One sentence: which architecture the weights fit, or come closest to, or that they come close to none.</summary>
    /// <param name="found">The tensors, under our names and in single precision.</param>
    public static string Describe(IReadOnlyList<NamedTensor> found)
    {
        var (closest, match) = Candidates(found).Select(candidate => (candidate, Match: Match(found, candidate)))
            .MinBy(pair => Distance(pair.Match));
        return Distance(match) == 0 ? $"They are those of {closest.Name}."
            : 2 * match.Matched.Count >= found.Count ? $"The closest network is {closest.Name}, where this does not fit: {match}."
            : "They are of no residual network that this library knows; the first tensors are "
                + $"{string.Join(", ", found.Take(3).Select(tensor => UntrustedText.Quote(tensor.ToString())))}.";
    }

    private static IEnumerable<ResNetArchitecture> Candidates(IReadOnlyList<NamedTensor> found)
    {
        var blocks = Blocks(found) is [var first and > 0, ..] ? first : 1;
        var plain = ImageNetDepths.Select(ResNetArchitecture.ImageNet)
            .SelectMany(plan => new[] { plan, plan.WithCifarStem() })
            .Append(ResNetArchitecture.Cifar(6 * blocks + 2, ResNetBlock.Basic))
            .Append(ResNetArchitecture.Cifar(9 * blocks + 2, ResNetBlock.Bottleneck))
            .ToList();
        return [.. plain, .. plain.Select(plan => plan with { Shortcut = ResNetShortcut.Padding }), ResNetArchitecture.D2l18()];
    }

    // Channels and classes are the file's own: the question is which network this is, not which images it was made for.
    private static StateMatch Match(IReadOnlyList<NamedTensor> found, ResNetArchitecture candidate)
    {
        var tensors = ForeignHead.Rename(found, candidate);
        return StateMatch.Of(tensors, candidate, Size(StateNames.Rename(candidate, "conv1") + ".weight", dimension: 1, otherwise: 3),
            Size(StateNames.Rename(candidate, "fc") + ".weight", dimension: 0, otherwise: 2));

        int Size(string name, int dimension, int otherwise)
            => tensors.FirstOrDefault(tensor => tensor.Name == name)?.Shape.ElementAtOrDefault(dimension)
                is >= 1 and <= ModelLimits.Classes and var size
                ? (int)size
                : otherwise;
    }

    private static int Distance(StateMatch match)
        => match.Missing.Count(name => !name.EndsWith(WeightsImport.BatchCounter, StringComparison.Ordinal)) + match.Mismatched.Count
            + match.Unexpected.Count;

    private static int Number(Match match, string group)
        => int.Parse(match.Groups[group].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(layer)?(?<stage>[0-9])\.(?<block>[0-9]{1,4})\.(conv|bn)[0-9]\.", RegexOptions.CultureInvariant)]
    private static partial Regex BlockName();
}
