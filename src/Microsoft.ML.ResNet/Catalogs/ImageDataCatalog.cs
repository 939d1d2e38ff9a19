using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Images.Cifar;
using Microsoft.ML.ResNet.Images.Folders;
using Microsoft.ML.ResNet.Images.Views;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Loads images as ML.NET data: one row per image, with the columns of <see cref="ImageColumns"/>.</summary>
/// <remarks>
/// <para>Loading is lazy: paths are checked at once, images are read by the cursors over the data, each time anew and in the same order.
/// The data cannot be shuffled; the trainers of this library shuffle what they have read.</para>
/// <para>A file that is truncated, damaged or something else than expected ends a cursor with an <see cref="InvalidDataException"/> that
/// names the file, the position, what was expected and what was found.</para>
/// </remarks>
public static class ImageDataCatalog
{
    /// <summary>Loads CIFAR-10 or CIFAR-100 images, training split and fine labels, from their binary format.</summary>
    /// <param name="catalog">The catalog: <c>mlContext.Data</c>.</param>
    /// <param name="paths">What to load, in this order; see the other overload.</param>
    /// <returns>The data: <c>Features</c>, a <c>Vector&lt;Byte, 3, 32, 32&gt;</c>, and <c>Label</c>, the class name as text.</returns>
    /// <exception cref="ArgumentException">There is no path, or one is empty.</exception>
    /// <exception cref="FileNotFoundException">A path does not exist.</exception>
    public static IDataView LoadFromCifarBinary(this DataOperationsCatalog catalog, params string[] paths) =>
        catalog.LoadFromCifarBinary(new CifarBinaryOptions(), paths);

    /// <summary>Loads CIFAR-10 or CIFAR-100 images from their binary format.</summary>
    /// <param name="catalog">The catalog: <c>mlContext.Data</c>.</param>
    /// <param name="options">Which split, labels and format.</param>
    /// <param name="paths">
    /// What to load, in this order; each path is a <c>.bin</c> file, a folder with <c>data_batch_*.bin</c> and <c>test_batch.bin</c>
    /// (CIFAR-10) or <c>train.bin</c> and
    /// <c>test.bin</c> (CIFAR-100), or the official <c>.tar.gz</c>, which is read without unpacking it to disk (in the archive's own file
    /// order, and with one extra pass the first time, since its class names may come last).
    /// </param>
    /// <returns>The data: <c>Features</c>, a <c>Vector&lt;Byte, 3, 32, 32&gt;</c>, and <c>Label</c>, the class name as text.</returns>
    /// <remarks>
    /// Class names come from <c>batches.meta.txt</c>, <c>fine_label_names.txt</c> or <c>coarse_label_names.txt</c> beside the images, which
    /// may list other classes than CIFAR's; without such a file they are CIFAR's standard names.
    /// </remarks>
    /// <exception cref="ArgumentException">There is no path, one is empty, or an option has an undefined value.</exception>
    /// <exception cref="FileNotFoundException">A path does not exist.</exception>
    public static IDataView LoadFromCifarBinary(this DataOperationsCatalog catalog, CifarBinaryOptions options, params string[] paths)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(paths);
        options.Validate();
        if (paths.Length == 0)
            throw new ArgumentException("Expected at least one path to a CIFAR .bin file, folder or .tar.gz, found none.", nameof(paths));
        foreach (var path in paths)
            ArgumentException.ThrowIfNullOrWhiteSpace(path, nameof(paths));
        return new LabeledImageView(new CifarImages(paths, options));
    }

    /// <summary>Loads images that are sorted into one folder per class, from disk or from a <c>.zip</c>.</summary>
    /// <param name="catalog">The catalog: <c>mlContext.Data</c>.</param>
    /// <param name="path">
    /// The folder or the zip archive that holds the class folders, directly or in <see cref="ImageFolderOptions.Subfolder"/>.
    /// </param>
    /// <param name="options">Size, channels and so on; null for the defaults.</param>
    /// <returns>
    /// The data, ordered by class and then file name: <c>Features</c>, a <c>Vector&lt;Byte, channels, height, width&gt;</c>, and
    /// <c>Label</c>, the class folder's name as text.
    /// </returns>
    /// <remarks>
    /// <para>A folder's name, in Unicode's composed form (NFC), is the class; classes that are all numbers come in the order of numbers.
    /// Folders without images are no classes and are named in a warning. Passed over are what tools and systems leave behind: files that
    /// begin with a dot, <c>Thumbs.db</c>, <c>desktop.ini</c>, and folders such as <c>.git</c>, <c>.ipynb_checkpoints</c> and
    /// <c>__MACOSX</c>; any other folder that begins with a dot, such as <c>.NET</c>, is a class.</para>
    /// <para>Any format that Skia decodes will do (JPEG, PNG, WebP, GIF, BMP, ...), whatever the file's extension. Images of another size
    /// are resized with antialiasing, as <see cref="ImageFolderOptions.Geometry"/> says, which a model that is trained on them remembers.
    /// Transparent pixels are laid over black. Images of more than 100 million pixels, or longer than 256 MiB, count as unreadable, and so
    /// do files of some bytes that claim to be large. PNG, GIF and BMP are decoded whole, which takes four bytes a pixel for a moment; JPEG
    /// and WebP leave out detail that the size does not need.</para>
    /// <para>A column of <c>LoadRawImageBytes</c> gives the same pixels for the same file. <c>LoadImages</c> decodes with ML.NET's own
    /// code: the same again for PNG, and some grey levels off for a JPEG or WebP that is much larger than the model's images.</para>
    /// <para>This call lists the files, and reads the first image's size if the options do not give one. A cursor over <c>Label</c> alone
    /// decodes no image.</para>
    /// </remarks>
    /// <exception cref="ArgumentException">The path is empty, or an option is out of range.</exception>
    /// <exception cref="FileNotFoundException">The path does not exist.</exception>
    /// <exception cref="InvalidDataException">
    /// There are fewer than two class folders, images lie deeper than class folders, the file is not a zip archive, or the first image's
    /// size is needed and cannot be read; or an archive does not tell the encoding of its names.
    /// </exception>
    public static IDataView LoadFromImageFolder(this DataOperationsCatalog catalog, string path, ImageFolderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        options ??= new ImageFolderOptions();
        options.Validate();
        var images = new ImageFolderImages(path, options);
        Warn(catalog, images.Remarks);
        return new LabeledImageView(images);
    }

    /// <summary>
    /// Loads the files of images that are sorted into one folder per class, from disk or from a <c>.zip</c>, without decoding them: the
    /// trainer makes images of them, as <see cref="ResNetTrainer.Options.ImageGeometry"/> says, and can keep more of a picture than the
    /// network takes (<see cref="RandomResizedCrop"/>).
    /// </summary>
    /// <param name="catalog">The catalog: <c>mlContext.Data</c>.</param>
    /// <param name="path">
    /// The folder or the zip archive that holds the class folders, directly or in <see cref="ImageFolderOptions.Subfolder"/>.
    /// </param>
    /// <param name="options">
    /// The subfolder, and what to do with files that cannot be opened; size, channels and geometry are not used. Null for the defaults.
    /// </param>
    /// <returns>
    /// The data, ordered by class and then file name: <c>Features</c>, a <c>Vector&lt;Byte&gt;</c> of the file's length, as
    /// <c>LoadRawImageBytes</c> makes it; <c>Label</c>, the class folder's name as text; and <c>ImagePath</c>, the file's.
    /// </returns>
    /// <remarks>
    /// Names are understood as <see cref="LoadFromImageFolder"/> does. A file that cannot be opened and is to be skipped leaves a row
    /// without bytes. What is in the files is not looked at: the trainer leaves out those that are no images, and scores of them are NaN.
    /// </remarks>
    /// <exception cref="ArgumentException">The path is empty, or an option is out of range.</exception>
    /// <exception cref="FileNotFoundException">The path does not exist.</exception>
    /// <exception cref="InvalidDataException">
    /// There are fewer than two class folders, images lie deeper than class folders, or the file is not a zip archive, or does not tell the
    /// encoding of its names.
    /// </exception>
    public static IDataView LoadImageFilesFromFolder(this DataOperationsCatalog catalog, string path, ImageFolderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        options ??= new ImageFolderOptions();
        options.Validate();
        var files = new ImageFolderFiles(path, options);
        Warn(catalog, files.Remarks);
        return new LabeledImageView(files);
    }

    private static void Warn(DataOperationsCatalog catalog, IReadOnlyList<string> remarks)
    {
        if (remarks.Count == 0)
            return;
        using var channel = CatalogUtils.GetEnvironment(catalog).Start("Loading");
        foreach (var remark in remarks)
            channel.Warning(remark);
    }
}
