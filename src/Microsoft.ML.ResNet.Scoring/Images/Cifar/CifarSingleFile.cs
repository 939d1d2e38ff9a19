namespace Microsoft.ML.ResNet.Images.Cifar;

/// <summary>One file with records, under whatever name, and the lists of class names that lie beside it.</summary>
internal sealed class CifarSingleFile(string path) : CifarLocation(path)
{
    /// <inheritdoc/>
    public override IEnumerable<CifarFile> Files()
    {
        yield return CifarFile.OnDisk(Path);
        foreach (var name in CifarPlan.NamesFiles)
        {
            var beside = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path)!, name);
            if (beside != Path && File.Exists(beside))
                yield return CifarFile.OnDisk(beside);
        }
    }

    /// <summary>
    /// The layout that the option or an official name says; failing that, the one whose record length divides the file's length.
    /// </summary>
    public override CifarLayout ChooseLayout(IReadOnlyCollection<CifarFile> files, CifarBinaryOptions options)
    {
        var file = files.First();
        var candidates = CifarLayout.Candidates(options.Format);
        if (candidates.Count == 1)
            return candidates[0];
        if (candidates.FirstOrDefault(layout => layout.Matches(file.Name)) is { } named)
            return named;
        if (file.Length == 0)
            throw CifarRecords.EmptyFile(file);

        var fitting = candidates.Where(layout => file.Length % layout.RecordLength == 0).ToList();
        if (fitting.Count == 1)
            return fitting[0];
        var expected = string.Join(" or ", candidates.Select(layout => $"{layout.RecordLength} bytes ({layout.Name})"));
        throw ImageFileError.Create(file.Location, $"whole records of {expected}",
            $"{file.Length} bytes, which {(fitting.Count == 0 ? "neither divides" : "both divide")}",
            $"If it is a CIFAR file, set {nameof(CifarBinaryOptions)}.{nameof(CifarBinaryOptions.Format)} to say which.");
    }

    /// <inheritdoc/>
    public override bool IsWanted(CifarFile file, CifarLayout layout, CifarSplit split) => file.Location == Path;
}
