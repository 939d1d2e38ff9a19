using Microsoft.ML;
using Microsoft.ML.ResNet;
using Samples.Output;
using Samples.Pictures;

namespace Samples;

/// <summary>
/// Images as a command line names them: <c>PATH</c> or <c>PATH#SPLIT</c>. What is there decides how it is read:
/// <code>
/// images.bin                    CIFAR records, one file
/// cifar-10-batches-bin          a folder of such files         (#train, the default, or #test)
/// cifar-10-binary.tar.gz        the official archive           (#train, the default, or #test)
/// flowers, flowers.zip          one folder of images a class   (#FOLDER: the folder that holds the class folders)
/// </code>
/// </summary>
internal sealed class DataPath
{
    private readonly string _path;
    private readonly string? _split;

    /// <param name="text">The path, with or without a split. A <c>#</c> that is part of an existing name stays in the path.</param>
    /// <exception cref="FileNotFoundException">There is neither a file nor a folder of that name.</exception>
    public DataPath(string text)
    {
        var mark = Exists(text) ? -1 : text.LastIndexOf('#');
        _path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(mark < 0 ? text : text[..mark]));
        _split = mark < 0 ? null : text[(mark + 1)..];
        if (!Exists(_path))
            throw new FileNotFoundException($"'{_path}' does not exist. Expected {Forms}.", _path);
    }

    private static string Forms
        => "a CIFAR .bin file, a folder of them, a CIFAR .tar.gz, a folder with one folder of images per class, or a .zip of that; #train "
        + "or #test after it picks a part";

    /// <summary>Loads the images: lazily, with their class as text.</summary>
    /// <param name="mlContext">The environment.</param>
    /// <param name="shape">The shape to decode image files to; null takes the first image's. CIFAR's images are 3x32x32.</param>
    /// <param name="geometry">How image files of another shape get it; null squeezes them.</param>
    /// <param name="unreadable">What to do with image files that cannot be read.</param>
    /// <param name="leftOut">Counts those that are left out.</param>
    /// <param name="shard">The part to load; <see langword="null"/> for all of them.</param>
    /// <param name="threads">How many threads decode; <see langword="null"/> for one on each processor.</param>
    /// <exception cref="InvalidDataException">The path leads to something else.</exception>
    public IDataView Load(MLContext mlContext, ImageShape? shape, ImageGeometry? geometry, UnreadableImageBehavior unreadable,
        LeftOutFiles leftOut, ImageShard? shard = null, int? threads = null)
    {
        var options = new ImageFolderOptions
        {
            Subfolder = IsPictures ? Folder() : _split,
            Channels = shape?.Channels ?? 3,
            Height = shape?.Height,
            Width = shape?.Width,
            Geometry = geometry ?? ImageGeometry.Fill,
            UnreadableImageBehavior = unreadable,
            UnreadableImageCallback = leftOut.Add,
            Shard = shard,
            MaxDegreeOfParallelism = threads ?? Environment.ProcessorCount,
        };
        if (Directory.Exists(_path))
            return BinaryFiles() is { Count: > 0 } files
                ? LoadBinaryFolder(mlContext, files, shard)
                : mlContext.Data.LoadFromImageFolder(_path, options);
        if (HasExtension(".zip"))
            return mlContext.Data.LoadFromImageFolder(_path, options);
        if (HasExtension(".tar.gz", ".tgz"))
            return mlContext.Data.LoadFromCifarBinary(new CifarBinaryOptions { Split = CifarPart(), Shard = shard }, _path);
        if (HasExtension(".bin"))
            return _split is null
                ? mlContext.Data.LoadFromCifarBinary(new CifarBinaryOptions { Shard = shard }, _path)
                : throw new InvalidDataException($"{_path} is a single file, which has no part '#{_split}'.");
        throw new InvalidDataException($"{_path}: expected {Forms}.");
    }

    /// <summary>
    /// The images as they lie there, without decoding: pictures as files, with their path, and CIFAR's as pixels. One that cannot be opened
    /// has no bytes.
    /// </summary>
    /// <param name="mlContext">The environment.</param>
    /// <param name="shard">The part to load; <see langword="null"/> for all of them.</param>
    public IDataView LoadFiles(MLContext mlContext, ImageShard? shard) => IsPictures
        ? mlContext.Data.LoadImageFilesFromFolder(_path, new ImageFolderOptions
        {
            Subfolder = Folder(),
            Shard = shard,
            UnreadableImageBehavior = UnreadableImageBehavior.Skip,
        })
        : Load(mlContext, null, null, UnreadableImageBehavior.Throw, new LeftOutFiles(new Display("data")), shard);

    /// <summary>The full path.</summary>
    public string Path => _path;

    /// <summary>The part behind the <c>#</c>; null without one.</summary>
    public string? Split => _split;

    /// <summary>Whether there are files of pictures: a folder without CIFAR's, or a zip.</summary>
    public bool IsPictures => Directory.Exists(_path) ? BinaryFiles().Count == 0 : HasExtension(".zip");

    /// <summary>
    /// Whether there is a part to test on beside the one to learn from, as in CIFAR's archive and in a folder of its files.
    /// </summary>
    public bool HasTestSplit => HasExtension(".tar.gz", ".tgz") || Directory.Exists(_path) && BinaryFiles().Exists(IsOfficial);

    /// <summary>The full path, with the split.</summary>
    public override string ToString() => _split is null ? _path : $"{_path}#{_split}";

    /// <summary>The folder behind the <c>#</c>, also where an archive holds it in a folder of its own.</summary>
    private string? Folder()
    {
        if (_split is null || Directory.Exists(System.IO.Path.Combine(_path, _split)))
            return _split;
        var root = PictureFolder.Of(PictureSource.Of(_path).FileNames());
        return root.Find(_split)?.Path ?? _split;
    }

    private static bool Exists(string path) => File.Exists(path) || Directory.Exists(path);

    private bool HasExtension(params string[] extensions)
        => extensions.Any(extension => _path.EndsWith(extension, StringComparison.OrdinalIgnoreCase));

    /// <summary>The CIFAR files directly in a folder, in the order of their names.</summary>
    public List<string> BinaryFiles() => [.. Directory.EnumerateFiles(_path, "*.bin").Order(StringComparer.Ordinal)];

    /// <summary>With CIFAR's own file names there are splits; a folder of files with other names is all one set.</summary>
    private IDataView LoadBinaryFolder(MLContext mlContext, List<string> files, ImageShard? shard)
    {
        var isOfficial = files.Any(IsOfficial);
        return isOfficial || _split is not null
            ? mlContext.Data.LoadFromCifarBinary(new CifarBinaryOptions { Split = CifarPart(), Shard = shard }, _path)
            : mlContext.Data.LoadFromCifarBinary(new CifarBinaryOptions { Shard = shard }, [.. files]);
    }

    private static bool IsOfficial(string file)
    {
        var name = System.IO.Path.GetFileName(file);
        return name is "test_batch.bin" or "train.bin" or "test.bin" || name.StartsWith("data_batch_", StringComparison.Ordinal);
    }

    private CifarSplit CifarPart() => _split switch
    {
        null or "train" => CifarSplit.Train,
        "test" => CifarSplit.Test,
        _ => throw new InvalidDataException($"{_path}: expected #train or #test, found '#{_split}'."),
    };
}
