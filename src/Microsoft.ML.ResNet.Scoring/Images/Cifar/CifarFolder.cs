namespace Microsoft.ML.ResNet.Images.Cifar;

/// <summary>A folder with the files that an unpacked archive has; in order of name.</summary>
internal sealed class CifarFolder(string path) : CifarLocation(path)
{
    /// <inheritdoc/>
    public override IEnumerable<CifarFile> Files() =>
        Directory.EnumerateFiles(Path).Order(StringComparer.Ordinal).Select(CifarFile.OnDisk);
}
