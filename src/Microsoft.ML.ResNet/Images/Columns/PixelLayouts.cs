using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Images.Columns;

/// <summary>Infers how pixels lie in a vector from its dimensions and the caller's options.</summary>
internal static class PixelLayouts
{
    private const int MaximumChannels = 4;

    /// <summary>Infers the format.</summary>
    /// <param name="type">A vector of known size.</param>
    /// <param name="options">What the caller says; it wins over the dimensions.</param>
    /// <param name="problem">What cannot be told, and which option would tell it.</param>
    public static PixelFormat? Infer(VectorDataViewType type, ImageColumnOptions options, out string? problem)
    {
        var all = Candidates(type, options).Distinct().Where(format => AgreesInKind(format, options)).ToList();
        var candidates = all.Where(format => AgreesInSize(format, options)).ToList();
        if (candidates.Count == 0 && type.Dimensions.Length > 1) // the dimensions tell another size: such images are resized
            candidates = all;
        problem = candidates.Count switch
        {
            1 => null,
            0 when options.Shape is { } shape => $"got {type}, which does not hold images of {shape}",
            0 => $"got {type}, whose dimensions do not tell an image. Set ImageHeight, ImageWidth and ImageChannels in the trainer's "
                + "options",
            _ => $"got {type}, which can be read as {string.Join(" or ", candidates.Select(Describe))}. Set PixelLayout in the trainer's "
                + "options",
        };
        return candidates.Count == 1 ? candidates[0] : null;
    }

    private static IEnumerable<PixelFormat> Candidates(VectorDataViewType type, ImageColumnOptions options)
    {
        var reverses = options.Order == ChannelOrder.Bgr;
        if (type.Dimensions is [var first, var second, var third])
        {
            if (first is >= 1 and <= MaximumChannels)
                yield return Format(first, second, third, interleaved: false);
            if (third is >= 1 and <= MaximumChannels)
                yield return Format(third, first, second, interleaved: true);
        }
        else if (type.Dimensions is [var height, var width] && (options.Channels ?? 1) == 1)
        {
            yield return Format(1, height, width, interleaved: false);
        }
        else if (options.Shape is { } shape && shape.Size == type.Size)
        {
            yield return Format(shape.Channels, shape.Height, shape.Width, options.Layout == PixelLayout.Interleaved);
        }

        PixelFormat Format(int channels, int rows, int columns, bool interleaved)
            => new(new ImageShape(channels, rows, columns), interleaved && channels > 1, reverses && channels >= 3);
    }

    private static bool AgreesInSize(PixelFormat format, ImageColumnOptions options)
        => (options.Height ?? format.Shape.Height) == format.Shape.Height && (options.Width ?? format.Shape.Width) == format.Shape.Width;

    private static bool AgreesInKind(PixelFormat format, ImageColumnOptions options)
        => (options.Channels ?? format.Shape.Channels) == format.Shape.Channels
            && (options.Layout == PixelLayout.Auto || format.Shape.Channels == 1
                || format.Interleaved == (options.Layout == PixelLayout.Interleaved));

    private static string Describe(PixelFormat format) => $"{format.Shape} {(format.Interleaved ? "interleaved" : "planar")}";
}
