namespace Microsoft.ML.ResNet.Images.Cifar;

/// <summary>One of the two binary formats: everything in which they differ, as a table with two rows.</summary>
internal sealed record CifarLayout
{
    /// <summary>CIFAR-10: label, pixels.</summary>
    public static readonly CifarLayout Cifar10 = new()
    {
        Format = CifarFormat.Cifar10,
        Name = "CIFAR-10",
        LabelBytes = 1,
        TrainFiles = "data_batch_*.bin",
        TestFile = "test_batch.bin",
        FineLabel = new(Offset: 0, NamesFile: "batches.meta.txt", [.. CifarClassNames.Cifar10]),
        CoarseLabel = new(Offset: 0, NamesFile: "batches.meta.txt", [.. CifarClassNames.Cifar10]),
    };

    /// <summary>CIFAR-100: coarse label, fine label, pixels.</summary>
    public static readonly CifarLayout Cifar100 = new()
    {
        Format = CifarFormat.Cifar100,
        Name = "CIFAR-100",
        LabelBytes = 2,
        TrainFiles = "train.bin",
        TestFile = "test.bin",
        FineLabel = new(Offset: 1, NamesFile: "fine_label_names.txt", [.. CifarClassNames.Cifar100Fine]),
        CoarseLabel = new(Offset: 0, NamesFile: "coarse_label_names.txt", [.. CifarClassNames.Cifar100Coarse]),
    };

    /// <summary>The shape of every CIFAR image.</summary>
    public static readonly ImageShape Shape = new(channels: 3, height: 32, width: 32);

    /// <summary>The option's value for this layout.</summary>
    public required CifarFormat Format { get; init; }

    /// <summary>The name for messages.</summary>
    public required string Name { get; init; }

    /// <summary>Bytes in a record before the pixels.</summary>
    public required int LabelBytes { get; init; }

    /// <summary>The official names of the training files, as a pattern with at most one <c>*</c>.</summary>
    public required string TrainFiles { get; init; }

    /// <summary>The official name of the test file.</summary>
    public required string TestFile { get; init; }

    /// <summary>Where the fine label is and what it means.</summary>
    public required CifarLabelField FineLabel { get; init; }

    /// <summary>Where the coarse label is and what it means.</summary>
    public required CifarLabelField CoarseLabel { get; init; }

    /// <summary>Bytes in a record.</summary>
    public int RecordLength => LabelBytes + Shape.Size;

    /// <summary>The layouts that an option leaves open.</summary>
    public static IReadOnlyList<CifarLayout> Candidates(CifarFormat format) => format switch
    {
        CifarFormat.Cifar10 => [Cifar10],
        CifarFormat.Cifar100 => [Cifar100],
        _ => [Cifar10, Cifar100],
    };

    /// <summary>The field that holds the wanted labels.</summary>
    public CifarLabelField LabelField(CifarLabelLevel labels) => labels == CifarLabelLevel.Coarse ? CoarseLabel : FineLabel;

    /// <summary>The official file names of a split, for matching and for messages.</summary>
    public string FilesOf(CifarSplit split) => split == CifarSplit.Train ? TrainFiles : TestFile;

    /// <summary>Whether a file name (without folder) is an official one of this layout and split.</summary>
    public bool Matches(string fileName, CifarSplit split) =>
        System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(FilesOf(split), fileName, ignoreCase: true);

    /// <summary>Whether a file name (without folder) is an official one of this layout.</summary>
    public bool Matches(string fileName) => Matches(fileName, CifarSplit.Train) || Matches(fileName, CifarSplit.Test);
}

/// <summary>One label of a record.</summary>
/// <param name="Offset">Its byte's place in the record.</param>
/// <param name="NamesFile">The text file that lists the class names, one a line, in label order.</param>
/// <param name="StandardNames">The class names where that file is missing.</param>
internal sealed record CifarLabelField(int Offset, string NamesFile, string[] StandardNames);
