using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Reports;
using Samples.Output;
using SkiaSharp;

namespace Samples.Pictures;

/// <summary>The images that a command line names, as the data check takes them: those to learn from, then those to validate on.</summary>
internal sealed class CheckedImages : IDisposable
{
    private const string Train = "train";

    private readonly List<ThreadLocal<PictureSource.Reader>> _readers = [];
    private readonly List<CheckedImage> _all = [];

    private CheckedImages()
    {
    }

    /// <summary>The images.</summary>
    public IReadOnlyList<CheckedImage> All => _all;

    /// <summary>Finds them; reads those of CIFAR's archives, and of files nothing but names.</summary>
    /// <param name="mlContext">The environment.</param>
    /// <param name="data">The images, with those to validate on where they lie beside one another.</param>
    /// <param name="validation">Those to validate on, where they lie elsewhere.</param>
    /// <exception cref="InvalidDataException">There are no class folders, or it is something else.</exception>
    public static CheckedImages Of(MLContext mlContext, DataPath data, DataPath? validation)
    {
        var images = new CheckedImages();
        images.Add(mlContext, data, Train, withValidation: validation is null);
        if (validation is not null)
            images.Add(mlContext, validation, "validation", withValidation: false);
        return images;
    }

    /// <summary>Closes the archives.</summary>
    public void Dispose()
    {
        foreach (var readers in _readers)
        {
            foreach (var reader in readers.Values)
                reader.Dispose();
            readers.Dispose();
        }
    }

    private void Add(MLContext mlContext, DataPath data, string part, bool withValidation)
    {
        if (!data.IsPictures)
        {
            AddCifar(mlContext, data, data.Split is { } split && _all.TrueForAll(image => image.Part != split) ? split : part);
            if (withValidation && data.Split is null && data.HasTestSplit)
                AddCifar(mlContext, new DataPath($"{data.Path}#test"), "test");
            return;
        }
        var parts = PictureParts.Of(PictureSource.Of(data.Path), data.Split);
        AddFiles(parts.Train, part);
        if (withValidation && parts.Validation is { } beside)
            AddFiles(beside, parts.ValidationFolder!.Split('/')[^1]);
    }

    private void AddFiles(PictureSet set, string part)
    {
        var readers = new ThreadLocal<PictureSource.Reader>(set.Source.Open, trackAllValues: true);
        _readers.Add(readers);
        _all.AddRange(set.All.Select(picture =>
            new CheckedImage(picture.Name, picture.Label, part, () => readers.Value!.ReadFile(picture.Name))));
    }

    private void AddCifar(MLContext mlContext, DataPath data, string part)
    {
        var view = data.Load(mlContext, shape: null, geometry: null, UnreadableImageBehavior.Throw, new LeftOutFiles(new Display()));
        var number = 0;
        foreach (var row in mlContext.Data.CreateEnumerable<ImageRow>(view, reuseRowObject: false))
            _all.Add(new CheckedImage($"{part} {number++}", row.Label, part, () => Png(row.Features)));
    }

    /// <summary>CIFAR's 32 x 32 pixels, a red, a green and a blue plane, as a file.</summary>
    private static byte[] Png(byte[] planes)
    {
        const int Side = 32, Plane = Side * Side;
        var pixels = new byte[4 * Plane];
        for (var pixel = 0; pixel < Plane; pixel++)
            (pixels[4 * pixel], pixels[4 * pixel + 1], pixels[4 * pixel + 2], pixels[4 * pixel + 3])
                = (planes[pixel], planes[Plane + pixel], planes[2 * Plane + pixel], byte.MaxValue);
        using var image = SKImage.FromPixelCopy(new SKImageInfo(Side, Side, SKColorType.Rgba8888, SKAlphaType.Opaque), pixels);
        using var file = image.Encode(SKEncodedImageFormat.Png, quality: 100);
        return file.ToArray();
    }
}
