namespace Microsoft.ML.ResNet;

/// <summary>
/// What <c>LoadFromCifarBinary</c> should load.
/// </summary>
public sealed record CifarBinaryOptions
{
    /// <summary>Which part to load from a folder or an archive; a path to a single <c>.bin</c> file is loaded whatever this says.</summary>
    /// <value>The default is <see cref="CifarSplit.Train"/>.</value>
    public CifarSplit Split { get; init; } = CifarSplit.Train;

    /// <summary>Which of CIFAR-100's labels to load; ignored for CIFAR-10.</summary>
    /// <value>The default is <see cref="CifarLabelLevel.Fine"/>.</value>
    public CifarLabelLevel LabelLevel { get; init; } = CifarLabelLevel.Fine;

    /// <summary>The format of the files.</summary>
    /// <value>The default is <see cref="CifarFormat.Auto"/>.</value>
    public CifarFormat Format { get; init; } = CifarFormat.Auto;

    /// <summary>The part of all records of all paths to load, in their order, where several processes share them.</summary>
    /// <value>The default, null, is all of them.</value>
    public ImageShard? Shard { get; init; }

    /// <summary>Refuses values that no member stands for.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A property has an undefined value.</exception>
    internal void Validate()
    {
        Check(Split, nameof(Split));
        Check(LabelLevel, nameof(LabelLevel));
        Check(Format, nameof(Format));
    }

    private static void Check<TEnum>(TEnum value, string name) where TEnum : struct, Enum
    {
        if (!Enum.IsDefined(value))
            throw new ArgumentOutOfRangeException(name, value, $"Expected one of {string.Join(", ", Enum.GetNames<TEnum>())}.");
    }
}
