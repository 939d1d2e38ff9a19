using System.Globalization;

namespace Microsoft.ML.ResNet.Network;

/// <summary>
/// The one place that knows the <see cref="ResNetNaming"/> of an architecture. Modules and plans use torchvision's names; what leaves
/// them as a state dictionary passes through here.
/// </summary>
internal static class StateNames
{
    /// <summary>The name of a layer, or of one of its tensors, under the architecture's naming.</summary>
    /// <param name="architecture">Tells the naming.</param>
    /// <param name="name">torchvision's name, such as <c>layer1.0.conv1</c> or <c>layer1.0.conv1.weight</c>.</param>
    public static string Rename(ResNetArchitecture architecture, string name)
        => architecture.Naming == ResNetNaming.D2l ? ToD2l(architecture, name.Split('.')) : name;

    /// <summary>Renames the entries of a state dictionary and puts them in the naming's order.</summary>
    /// <param name="architecture">Tells the naming.</param>
    /// <param name="entries">All entries, under torchvision's names and in torchvision's order.</param>
    /// <param name="name">Reads an entry's name.</param>
    /// <param name="rename">Gives an entry another name.</param>
    public static IEnumerable<T> Arrange<T>(ResNetArchitecture architecture, IEnumerable<T> entries, Func<T, string> name,
        Func<T, string, T> rename)
        => architecture.Naming == ResNetNaming.D2l
            ? entries.Select(entry => rename(entry, Rename(architecture, name(entry))))
                .GroupBy(entry => Block(name(entry)))
                .SelectMany(block => block.OrderBy(entry => IsNormalization(name(entry)))) // a stable sort
            : entries;

    // layer2.0.bn1.weight is 2.0.bn1.weight: the stem is the sequence's item 0, the stages follow, then pooling, flattening and the
    // classifier.
    private static string ToD2l(ResNetArchitecture architecture, string[] parts)
    {
        string[] renamed = parts switch
        {
            ["conv1", .. var rest] => ["0", "0", .. rest],
            ["bn1", .. var rest] => ["0", "1", .. rest],
            ["maxpool", .. var rest] => ["0", "3", .. rest], // 0.2 is the ReLU
            ["avgpool", .. var rest] => [Number(architecture.Stages.Count + 1), .. rest],
            ["fc", .. var rest] => [Number(architecture.Stages.Count + 3), .. rest],
            [var stage, var block, "downsample", .. var rest] => [stage["layer".Length..], block, .. Shortcut(architecture, rest)],
            [var stage, .. var rest] => [stage["layer".Length..], .. rest],
            _ => parts,
        };
        return string.Join('.', renamed);
    }

    // The shortcut's convolution, and its normalisation if it has one, count on from the block's own.
    private static string[] Shortcut(ResNetArchitecture architecture, string[] rest)
    {
        var next = Number(architecture.Block == ResNetBlock.Basic ? 3 : 4);
        return rest switch
        {
            ["0", .. var of] => ["conv" + next, .. of],
            ["1", .. var of] => ["bn" + next, .. of],
            _ => ["conv" + next, .. rest],
        };
    }

    private static string Block(string name) => string.Join('.', name.Split('.').Take(2));

    private static bool IsNormalization(string name) => name.Split('.') is [_, _, ['b', 'n', ..], ..];

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
