using System.Globalization;
using System.Text.RegularExpressions;

namespace Microsoft.ML.ResNet;

/// <content>Names: <c>cifar-20</c>, <c>cifar-56-basic</c>, <c>cifar-20-optionA</c>, <c>imagenet-18-cifarstem</c>,
/// <c>d2l-resnet18-1channel</c>.</content>
public sealed partial record ResNetArchitecture
{
    private const string D2l18Name = "d2l-resnet18-1channel";

    private static readonly Regex NamePattern = new(
        @"^(?<family>cifar|imagenet)-(?<depth>\d{1,5})(-(?<block>basic|bottleneck))?(-(?<stem>cifarstem))?(-(?<shortcut>optionA))?$",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);

    /// <summary>The plan as <see cref="Parse"/> reads it; <c>custom-N</c>, N being the depth, for a plan that no name describes.</summary>
    public string Name
    {
        get
        {
            var name = Naming == ResNetNaming.D2l ? D2l18Name : Stages.Count == 3 ? CifarName() : ImageNetName();
            return TryParse(name, out var named) && Equals(named) ? name : $"custom-{Depth.ToString(CultureInfo.InvariantCulture)}";
        }
    }

    /// <summary>Reads a name.</summary>
    /// <param name="name">
    /// <c>cifar-DEPTH[-basic|-bottleneck][-optionA]</c> or <c>imagenet-DEPTH[-cifarstem][-optionA]</c>; or <c>d2l-resnet18-1channel</c>.
    /// </param>
    /// <exception cref="ArgumentException">The name has another form, or its depth is not one of the family's.</exception>
    public static ResNetArchitecture Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name == D2l18Name)
            return D2l18();
        var match = NamePattern.Match(name);
        if (!match.Success)
            throw new ArgumentException(
                $"'{name}' names no architecture. Expected cifar-DEPTH, such as cifar-20, cifar-56-basic or cifar-20-optionA, "
                    + "imagenet-DEPTH, such as imagenet-18 or imagenet-18-cifarstem, or d2l-resnet18-1channel.",
                nameof(name));

        var depth = int.Parse(match.Groups["depth"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);
        ResNetBlock? block = match.Groups["block"].Success
            ? Enum.Parse<ResNetBlock>(match.Groups["block"].ValueSpan, ignoreCase: true)
            : null;
        var isCifar = match.Groups["family"].Value == "cifar";
        if (isCifar == match.Groups["stem"].Success || !isCifar && block is not null)
            if (isCifar || block is not null)
                throw new ArgumentException(
                    $"'{name}' names no architecture: -cifarstem goes with imagenet names, -basic and -bottleneck with cifar names.",
                    nameof(name));

        var plan = isCifar ? Cifar(depth, block) : ImageNet(depth);
        if (match.Groups["stem"].Success)
            plan = plan.WithCifarStem();
        return match.Groups["shortcut"].Success ? plan with { Shortcut = ResNetShortcut.Padding } : plan;
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
