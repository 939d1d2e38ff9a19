namespace Microsoft.ML.ResNet.Images.Cifar;

/// <summary>What a first look at a location's files tells a pass over its images.</summary>
/// <param name="Location">Where the files are.</param>
/// <param name="Layout">The format of the records.</param>
/// <param name="LabelOffset">The label's byte in a record.</param>
/// <param name="ClassNames">The class names in label order.</param>
/// <param name="NamesFrom">Where the class names are from, for messages.</param>
/// <param name="Count">Records in all wanted files together.</param>
/// <param name="Split">The wanted split.</param>
/// <param name="Torn">The first wanted file that is not made of whole records, if there is one.</param>
internal sealed record CifarPlan(
    CifarLocation Location, CifarLayout Layout, int LabelOffset, string[] ClassNames, string NamesFrom, long Count, CifarSplit Split,
    CifarFile? Torn)
{
    private const int MostFiles = 10_000; // a hostile archive could list millions in a few MB

    /// <summary>The names of all files that list class names.</summary>
    public static readonly IReadOnlyList<string> NamesFiles =
        [CifarLayout.Cifar10.FineLabel.NamesFile, CifarLayout.Cifar100.FineLabel.NamesFile, CifarLayout.Cifar100.CoarseLabel.NamesFile];

    /// <summary>
    /// Makes the plan in a pass of its own, because an archive may hold its class names after the images. For an archive this also proves
    /// that it is whole.
    /// </summary>
    /// <exception cref="InvalidDataException">The wanted files are missing or ambiguous, or a file is broken.</exception>
    public static CifarPlan Make(CifarLocation location, CifarBinaryOptions options)
    {
        var files = new List<CifarFile>();
        var names = new Dictionary<string, (string From, string[] Lines)>(StringComparer.OrdinalIgnoreCase);
        foreach (var file in location.Files())
        {
            files.Add(file);
            if (files.Count > MostFiles)
                throw ImageFileError.Create(file.Location, "the files of a CIFAR data set", $"more than {MostFiles} files");
            if (NamesFiles.Contains(file.Name, StringComparer.OrdinalIgnoreCase))
                names[file.Name] = (file.Location, file.ReadLines());
        }

        var layout = location.ChooseLayout(files, options);
        var field = layout.LabelField(options.LabelLevel);
        var (from, classNames) = names.TryGetValue(field.NamesFile, out var listed)
            ? listed
            : ($"{layout.Name}'s standard names", field.StandardNames);
        CheckNames(classNames, from);
        var wanted = files.Where(file => location.IsWanted(file, layout, options.Split)).ToList();
        return new(location, layout, field.Offset, classNames, from, wanted.Sum(file => file.Length) / layout.RecordLength, options.Split,
            wanted.Find(file => file.Length == 0 || file.Length % layout.RecordLength != 0));
    }

    /// <summary>One pass over the images of all wanted files.</summary>
    public IEnumerable<LabeledImage> Read()
    {
        foreach (var file in Location.Files())
            if (Location.IsWanted(file, Layout, Split))
                foreach (var image in CifarRecords.Read(file, this, 0, file.Length / Layout.RecordLength))
                    yield return image;
    }

    /// <summary>One pass over some images; files of others are not opened, but all have to be whole, or parts would not add up.</summary>
    /// <param name="first">The first image, counted over all files from 0; may be negative.</param>
    /// <param name="end">The one behind the last; may lie behind the end.</param>
    public IEnumerable<LabeledImage> Read(long first, long end)
    {
        if (Torn is not null)
            throw CifarRecords.NotWhole(Torn, Layout);
        foreach (var file in end > 0 ? Location.Files() : [])
        {
            if (!Location.IsWanted(file, Layout, Split))
                continue;
            var count = file.Length / Layout.RecordLength;
            if (first < count)
                foreach (var image in CifarRecords.Read(file, this, Math.Max(first, 0), Math.Min(end, count)))
                    yield return image;
            (first, end) = (first - count, end - count);
            if (end <= 0)
                break;
        }
    }

    private static void CheckNames(string[] names, string from)
    {
        if (names.Length is < 2 or > byte.MaxValue + 1)
            throw ImageFileError.Create(from, "2 to 256 class names, one a line", $"{names.Length}");
        var twice = names.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1);
        if (twice is not null)
            throw ImageFileError.Create(from, "each class name once", $"'{twice.Key}' {twice.Count()} times");
    }
}
