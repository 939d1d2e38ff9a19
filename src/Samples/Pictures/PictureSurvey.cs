using System.Collections.Concurrent;
using Samples.Planning;
using SkiaSharp;

namespace Samples.Pictures;

/// <summary>What the headers of all pictures tell: sizes, and what is no picture. No pixel is decoded, unless that is asked for.</summary>
/// <param name="Sizes">Width and height of every picture that can be read, in pixels, in the order of the set.</param>
/// <param name="Readable">Those pictures.</param>
/// <param name="Problems">Why the others cannot be read: expected and found.</param>
internal sealed record PictureSurvey(IReadOnlyList<(int Width, int Height)> Sizes, PictureSet Readable,
    IReadOnlyList<(Picture Picture, string Problem)> Problems)
{
    /// <summary>The median of the longer sides, in pixels.</summary>
    public int MedianLongerSide => Median(Sizes.Select(size => Math.Max(size.Width, size.Height)));

    /// <summary>The median of widths and that of heights, in pixels.</summary>
    public (int Width, int Height) MedianSize => (Median(Sizes.Select(size => size.Width)), Median(Sizes.Select(size => size.Height)));

    /// <summary>The sizes, as a line.</summary>
    public override string ToString()
    {
        var (least, most) = (Sizes.MinBy(size => size.Width * (long)size.Height), Sizes.MaxBy(size => size.Width * (long)size.Height));
        return new Choice("Sizes", least == most
            ? $"{least.Width}x{least.Height} pixels, all of them"
            : $"{least.Width}x{least.Height} to {most.Width}x{most.Height} pixels, "
                + $"the longer side {MedianLongerSide} in the median").ToString();
    }

    /// <summary>Looks at all pictures, several at a time.</summary>
    /// <param name="set">The pictures.</param>
    /// <param name="decodes">Whether to decode them as well, so that one that ends too early is found.</param>
    /// <param name="cancellation">Stops before the next picture.</param>
    public static PictureSurvey Of(PictureSet set, bool decodes, CancellationToken cancellation)
    {
        var found = new ((int Width, int Height) Size, string? Problem)[set.Count];
        var options = new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount };
        Parallel.ForEach(Partitioner.Create(0, set.Count, Math.Max(1, set.Count / (2 * Environment.ProcessorCount))), options, range =>
        {
            using var reader = set.Source.Open();
            for (var i = range.Item1; i < range.Item2 && !cancellation.IsCancellationRequested; i++)
                found[i] = Look(reader, set.All[i].Name, decodes);
        });
        cancellation.ThrowIfCancellationRequested();
        var problems = set.All.Zip(found).Where(one => one.Second.Problem is not null)
            .Select(one => (one.First, one.Second.Problem!)).ToList();
        var unreadable = problems.Select(one => one.First).ToHashSet();
        return new([.. found.Where(one => one.Problem is null).Select(one => one.Size)],
            set.Where(picture => !unreadable.Contains(picture)), problems);
    }

    private static ((int Width, int Height) Size, string? Problem) Look(PictureSource.Reader reader, string name, bool decodes)
    {
        try
        {
            using var file = reader.OpenFile(name, out var length);
            if (length > PictureSource.LongestFile)
                return (default, $"expected at most {PictureSource.LongestFile} bytes, found {length}");
            using var codec = SKCodec.Create(file);
            if (codec is null)
                return (default, "expected a picture (JPEG, PNG, WebP, GIF, BMP), found something else or a damaged file");
            var size = codec.Info.Size;
            return ((size.Width, size.Height), decodes ? Decode(codec) : null);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return (default, exception.Message.TrimEnd('.'));
        }
    }

    private static string? Decode(SKCodec codec)
    {
        var size = codec.GetScaledDimensions(1f / 8);
        using var pixels = new SKBitmap(new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, SKAlphaType.Premul));
        return codec.GetPixels(pixels.Info, pixels.GetPixels()) is var result && result == SKCodecResult.Success
            ? null
            : "expected a whole picture, found "
                + (result == SKCodecResult.IncompleteInput ? "a file that ends too early" : "damaged data");
    }

    private int Median(IEnumerable<int> values) => values.Order().ElementAt(Sizes.Count / 2);
}
