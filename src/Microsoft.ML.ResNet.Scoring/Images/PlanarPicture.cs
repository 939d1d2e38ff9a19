using System.Buffers;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Images;

/// <summary>Resizes pictures that are planar already, 1 to 4 channels; lengths are the caller's to check.</summary>
internal static class PlanarPicture
{
    private const int BytesPerPixel = 4;

    /// <summary>Makes an image of all of a picture, as a geometry says.</summary>
    /// <param name="planar">The picture, perhaps squashed: <see cref="ImageShape.Size"/> bytes of <paramref name="kept"/>.</param>
    /// <param name="kept">The shape in which it was kept.</param>
    /// <param name="picture">Its own size, which tells its aspect ratio.</param>
    /// <param name="target">The image and its geometry; as many channels.</param>
    /// <param name="image">Receives the image.</param>
    public static void Frame(ReadOnlySpan<byte> planar, ImageShape kept, PictureSize picture, ImageTarget target, Span<byte> image)
    {
        var frame = PictureFrame.Of(target.Geometry, picture.Height, picture.Width, default, target.Shape);
        var (source, result) = Rent(planar, kept, target.Shape);
        PlaneWriter.Resize(source.AsSpan(0, kept.PlaneSize), kept.Height, kept.Width, frame, result.AsSpan(0, target.Shape.PlaneSize));
        Return(source, result, target.Shape, image);
    }

    /// <summary>Makes an image of a part of a picture, which fills it.</summary>
    /// <param name="planar">The picture: <see cref="ImageShape.Size"/> bytes of <paramref name="kept"/>.</param>
    /// <param name="kept">Its shape.</param>
    /// <param name="box">The part, in the pixels of <paramref name="kept"/>.</param>
    /// <param name="interpolation">The filter.</param>
    /// <param name="shape">The image; as many channels.</param>
    /// <param name="image">Receives the image.</param>
    public static void Crop(ReadOnlySpan<byte> planar, ImageShape kept, PictureBox box, ImageInterpolation interpolation, ImageShape shape,
        Span<byte> image)
    {
        var (source, result) = Rent(planar, kept, shape);
        var resized = ArrayPool<Vector128<float>>.Shared.Rent(shape.PlaneSize);
        Resampler.Resize(source.AsSpan(box.Top * kept.Width + box.Left, (box.Height - 1) * kept.Width + box.Width), box.Height, box.Width,
            kept.Width, new FilterTaps(box.Height, shape.Height, 0, shape.Height, interpolation),
            new FilterTaps(box.Width, shape.Width, 0, shape.Width, interpolation), resized.AsSpan(0, shape.PlaneSize), shape.Height,
            shape.Width);
        PlaneWriter.Round(resized.AsSpan(0, shape.PlaneSize), MemoryMarshal.AsBytes(result.AsSpan(0, shape.PlaneSize)));
        ArrayPool<Vector128<float>>.Shared.Return(resized);
        Return(source, result, shape, image);
    }

    private static (uint[] Source, uint[] Result) Rent(ReadOnlySpan<byte> planar, ImageShape kept, ImageShape shape)
    {
        var source = ArrayPool<uint>.Shared.Rent(kept.PlaneSize);
        var bytes = MemoryMarshal.AsBytes(source.AsSpan(0, kept.PlaneSize));
        for (var channel = 0; channel < kept.Channels; channel++)
        {
            var plane = planar.Slice(channel * kept.PlaneSize, kept.PlaneSize);
            for (var pixel = 0; pixel < plane.Length; pixel++)
                bytes[pixel * BytesPerPixel + channel] = plane[pixel];
        }
        return (source, ArrayPool<uint>.Shared.Rent(shape.PlaneSize));
    }

    private static void Return(uint[] source, uint[] result, ImageShape shape, Span<byte> image)
    {
        var bytes = MemoryMarshal.AsBytes(result.AsSpan(0, shape.PlaneSize));
        for (var channel = 0; channel < shape.Channels; channel++)
        {
            var plane = image.Slice(channel * shape.PlaneSize, shape.PlaneSize);
            for (var pixel = 0; pixel < plane.Length; pixel++)
                plane[pixel] = bytes[pixel * BytesPerPixel + channel];
        }
        ArrayPool<uint>.Shared.Return(source);
        ArrayPool<uint>.Shared.Return(result);
    }
}
