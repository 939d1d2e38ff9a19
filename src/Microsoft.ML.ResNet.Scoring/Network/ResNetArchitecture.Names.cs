using System.Globalization;
using System.Text.RegularExpressions;

namespace Microsoft.ML.ResNet;

/// <content>
/// Names: <c>cifar-20</c>, <c>cifar-56-basic</c>, <c>cifar-20-optionA</c>, <c>imagenet-18-cifarstem</c>, <c>quick-8</c>, <c>quick-10</c>,
/// <c>d2l-resnet18-1channel</c>.
/// </content>
public sealed partial record ResNetArchitecture
{
    private static readonly (string Name, Func<ResNetArchitecture> Make)[] SingleNames =
        [("d2l-resnet18-1channel", D2l18), ("quick-8", () => Quick(8)), ("quick-10", () => Quick(10))];

    private static readonly Regex NamePattern = new(
        @"^(?<family>cifar|imagenet|resnet)-?(?<depth>\d{1,5})"
            + "(-(?<block>basic|bottleneck))?(-(?<stem>cifarstem))?(-(?<shortcut>optionA))?$",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.NonBacktracking);

    private static readonly int[] ImageNetDepths = [18, 34, 50, 101, 152];

    /// <summary>The plan as <see cref="Parse"/> reads it; <c>custom-N</c>, N being the depth, for a plan that no name describes.</summary>
    public string Name
    {
        get
        {
            var name = SingleNames.FirstOrDefault(single => Equals(single.Make())).Name
                ?? (Stages.Count == 3 ? CifarName() : ImageNetName());
            return TryParse(name, out var named) && Equals(named) ? name : $"custom-{Depth.ToString(CultureInfo.InvariantCulture)}";
        }
    }

    /// <summary>Reads a name, in capitals or small letters.</summary>
    /// <param name="name">
    /// <c>cifar-DEPTH[-basic|-bottleneck][-optionA]</c> or <c>imagenet-DEPTH[-cifarstem][-optionA]</c>; <c>quick-8</c> or
    /// <c>quick-10</c>; or <c>d2l-resnet18-1channel</c>. As elsewhere, <c>resnet18</c> or <c>ResNet-18</c> (34, 50, 101, 152) is
    /// <c>imagenet-18</c>; <c>resnet20</c> or <c>ResNet-20</c> (32, 44, 56, 110, 1202) is the paper's network for CIFAR,
    /// <c>cifar-20-basic</c>. The first hyphen of these may be missing.
    /// </param>
    /// <exception cref="ArgumentException">The name has another form, or its depth is not one of the family's.</exception>
    public static ResNetArchitecture Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (SingleNames.FirstOrDefault(single => name.Equals(single.Name, StringComparison.OrdinalIgnoreCase)).Make is { } make)
            return make();
        var match = NamePattern.Match(name);
        if (!match.Success)
            throw new ArgumentException(
                $"'{name}' names no architecture. Expected cifar-DEPTH, such as cifar-20, cifar-56-basic or cifar-20-optionA, "
                    + "imagenet-DEPTH, such as imagenet-18 or imagenet-18-cifarstem, resnetDEPTH, such as resnet18 (imagenet-18) or "
                    + "resnet20 (cifar-20), quick-8 or quick-10, or d2l-resnet18-1channel.",
                nameof(name));

        var depth = int.Parse(match.Groups["depth"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);
        ResNetBlock? block = match.Groups["block"].Success
            ? Enum.Parse<ResNetBlock>(match.Groups["block"].ValueSpan, ignoreCase: true)
            : null;
        var family = match.Groups["family"].Value.ToLowerInvariant();
        if (family == "resnet")
            (family, block) = FamilyOf(name, depth, block);
        var isCifar = family == "cifar";
        if (isCifar ? match.Groups["stem"].Success : block is not null)
            throw new ArgumentException(
                $"'{name}' names no architecture: -cifarstem goes with imagenet names, -basic and -bottleneck with cifar names.",
                nameof(name));

        var plan = isCifar ? Cifar(depth, block) : ImageNet(depth);
        if (match.Groups["stem"].Success)
            plan = plan.WithCifarStem();
        return match.Groups["shortcut"].Success ? plan with { Shortcut = ResNetShortcut.Padding } : plan;
    }

    /// <summary>What people mean by a depth alone: ImageNet's network where it has that depth, and else CIFAR's of basic blocks.</summary>
    private static (string Family, ResNetBlock? Block) FamilyOf(string name, int depth, ResNetBlock? block)
    {
        if (ImageNetDepths.Contains(depth))
            return ("imagenet", block);
        if (DefaultCifarBlockOrNull(depth) is not { } fitting)
            throw new ArgumentException(
                $"'{name}' names no architecture: expected a depth of ImageNet's networks ({string.Join(", ", ImageNetDepths)}) or of "
                    + "CIFAR's (6n+2 or 9n+2, such as 20, 32, 44, 56 or 110).",
                nameof(name));
        return ("cifar", block ?? (FitsCifar(depth, ResNetBlock.Basic) ? ResNetBlock.Basic : fitting));
    }

    private string ShortcutSuffix => Shortcut == ResNetShortcut.Padding ? "-optionA" : "";

    private string CifarName()
    {
        var isDefault = DefaultCifarBlockOrNull(Depth) == Block;
        var block = isDefault ? "" : $"-{Block.ToString().ToLowerInvariant()}";
        return $"cifar-{Depth.ToString(CultureInfo.InvariantCulture)}{block}{ShortcutSuffix}";
    }

    private string ImageNetName()
        => $"imagenet-{Depth.ToString(CultureInfo.InvariantCulture)}{(Stem == ResNetStem.Cifar ? "-cifarstem" : "")}{ShortcutSuffix}";

    private static ResNetBlock? DefaultCifarBlockOrNull(int depth)
        => FitsCifar(depth, ResNetBlock.Basic) || FitsCifar(depth, ResNetBlock.Bottleneck) ? DefaultCifarBlock(depth) : null;

    private static bool TryParse(string name, out ResNetArchitecture? plan)
    {
        try
        {
            plan = Parse(name);
            return true;
        }
        catch (ArgumentException)
        {
            plan = null;
            return false;
        }
    }
}
