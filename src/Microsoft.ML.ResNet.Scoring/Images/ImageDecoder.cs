using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Images;

/// <summary>
/// Images as bytes of a given <see cref="ImageShape"/>: decoded, resized where the size differs, in planes. Thread-safe; the only code that
/// asks Skia for pixels.
/// </summary>
/// <remarks>
/// Images that cannot be read are reported as <c>false</c> and a reason, not as an exception, so that callers can count them cheaply.
/// Transparent pixels are laid over black: that equals the premultiplied colours which an <c>MLImage</c> holds, so a file and its
/// <c>MLImage</c> give the same pixels. Grey images become three equal channels; colour profiles are ignored, as Pillow and torchvision do.
/// An <c>MLImage</c> of a JPEG or WebP that is much larger than wanted may differ by some grey levels, because ML.NET has decoded all of
/// it, where <see cref="SizeToDecode"/> leaves out detail.
/// </remarks>
internal static class ImageDecoder
{
    /// <summary>The most pixels that an image may have, so that a few hostile bytes cannot claim gigabytes of memory.</summary>
    public const long MaxPixels = 100_000_000;

    /// <summary>The longest side of an image, in pixels: JPEG's own limit.</summary>
    public const int MaxSide = 65_535;

    // A few bytes can claim to be a large image, and memory is taken before that turns out to be a lie. Up to the first number they are
    // believed (16 MiB decoded); beyond it, a file must have as many bytes as PNG needs at best: Deflate shrinks 1,032 times, and a byte
    // holds eight pixels of one bit. Only images of one plain colour need less.
    private const long PixelsWithoutProof = 4 << 20;
    private const long PixelsPerByte = 8 * 1032;

    private const int BytesPerPixel = 4;

    // Formats that cannot leave out detail while they decode (PNG, GIF, BMP) are decoded whole: 48 MB for a telephone's photo. Blocks
    // beyond the first length go back to the system at once instead of to the pool, and of blocks beyond the second there is one at a time.
    private const int LongestPooled = 16 << 20;
    private const int LongestSharing = 64 << 20;

    private static readonly Lock OneAtATime = new();

    /// <summary>Reads an encoded image's size from its header, without decoding pixels.</summary>
    /// <param name="encoded">The whole file: JPEG, PNG, WebP, GIF, BMP or whatever else Skia decodes.</param>
    /// <param name="geometry">Whether the camera's orientation counts.</param>
    /// <param name="height">Rows of the picture as it stands, in pixels; 0 where the file is no image.</param>
    /// <param name="width">Columns of the picture as it stands, in pixels; 0 where the file is no image.</param>
    /// <param name="problem">Why the size could not be read, or is too large.</param>
    public static unsafe bool TryReadSize(ReadOnlySpan<byte> encoded, ImageGeometry geometry, out int height, out int width,
        [NotNullWhen(false)] out string? problem)
    {
        fixed (byte* bytes = encoded)
        {
            if (!TryOpen(bytes, encoded.Length, out var codec, out var info, out problem))
            {
                (height, width) = (info.Height, info.Width);
                return false;
            }
            (height, width) = OrientationOf(codec, geometry).Turn(info.Height, info.Width);
            codec.Dispose();
            return true;
        }
    }

    /// <summary>Decodes an encoded image into planes.</summary>
    /// <param name="encoded">The whole file: JPEG, PNG, WebP, GIF (its first frame), BMP or whatever else Skia decodes.</param>
    /// <param name="target">The shape to write, of 1 channel (grey) or 3 (red, green, blue), and how the picture becomes that.</param>
    /// <param name="planar">
    /// Receives the image: exactly <see cref="ImageShape.Size"/> bytes. Undefined when the image cannot be read.
    /// </param>
    /// <param name="picture">The size of the picture as it stands.</param>
    /// <param name="problem">Why the image could not be read: expected and found.</param>
    /// <exception cref="ArgumentException">The shape is impossible, or <paramref name="planar"/> does not fit it.</exception>
    public static unsafe bool TryDecode(ReadOnlySpan<byte> encoded, ImageTarget target, Span<byte> planar, out PictureSize picture,
        [NotNullWhen(false)] out string? problem)
    {
        CheckTarget(target.Shape, planar.Length);
        picture = default;
        fixed (byte* bytes = encoded)
        {
            if (!TryOpen(bytes, encoded.Length, out var codec, out var info, out problem))
                return false;
            using (codec)
            {
                var orientation = OrientationOf(codec, target.Geometry);
                picture = new(orientation.Turn(info.Height, info.Width));
                var frame = PictureFrame.Of(target.Geometry, info.Height, info.Width, orientation, target.Shape);
                return TryDecode(codec, info, frame, target.Shape, planar, out problem);
            }
        }
    }

    /// <summary>
    /// Begins to load the decoder on another thread, so that the first picture need not wait: SkiaSharp looks through all fonts of the
    /// machine before it does anything. Where it cannot be loaded, the first picture tells.
    /// </summary>
    public static void LoadAhead() => ThreadPool.UnsafeQueueUserWorkItem(static _ =>
    {
        try
        {
            _ = SKData.Empty.Size; // whatever runs SkiaSharp's static constructors
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException)
        {
            // The one who decodes gets the same.
        }
    }, null);

    /// <summary>Converts pixels that are already decoded, such as those of an <c>MLImage</c>, into planes.</summary>
    /// <param name="pixels">Rows of four-byte pixels without padding; colours are taken as they are, alpha is dropped.</param>
    /// <param name="width">Columns, in pixels.</param>
    /// <param name="height">Rows, in pixels.</param>
    /// <param name="isBgra">Whether a pixel's bytes are blue, green, red, alpha; otherwise red, green, blue, alpha.</param>
    /// <param name="target">
    /// The shape to write, of 1 channel (grey) or 3 (red, green, blue), and how the picture becomes that; it stands upright.
    /// </param>
    /// <param name="planar">Receives the image: exactly <see cref="ImageShape.Size"/> bytes.</param>
    /// <param name="problem">Why the pixels could not be used: expected and found.</param>
    /// <exception cref="ArgumentException">The shape is impossible, or <paramref name="planar"/> does not fit it.</exception>
    public static bool TryConvert(ReadOnlySpan<byte> pixels, int width, int height, bool isBgra, ImageTarget target,
        Span<byte> planar, [NotNullWhen(false)] out string? problem)
    {
        CheckTarget(target.Shape, planar.Length);
        problem = SizeProblem(height, width);
        if (problem is null && pixels.Length != (long)width * height * BytesPerPixel)
            problem = $"expected {(long)width * height * BytesPerPixel} bytes for {width} x {height} pixels of four bytes, found "
                + $"{pixels.Length}";
        if (problem is not null)
            return false;
        PlaneWriter.Write(pixels, height, width, isBgra, PictureFrame.Of(target.Geometry, height, width, default, target.Shape),
            target.Shape,
            planar);
        return true;
    }

    /// <summary>
    /// Opens without copying: <paramref name="bytes"/> must stay pinned for as long as the codec lives. Hands out what the codec tells of
    /// the image, because
    /// <c>SKCodec.Info</c> makes an object each time.
    /// </summary>
    private static unsafe bool TryOpen(byte* bytes, int length, [NotNullWhen(true)] out SKCodec? codec, out SKImageInfo info,
        [NotNullWhen(false)] out string? problem)
    {
        (codec, info) = (null, default);
        problem = length == 0 ? "expected an encoded image, found no bytes" : null;
        if (problem is not null)
            return false;
        using var data = SKData.Create((nint)bytes, length);
        var opened = SKCodec.Create(data);
        info = opened?.Info ?? default;
        problem = opened is null
            ? $"expected an image in a format that Skia decodes (JPEG, PNG, WebP, GIF, BMP, ...), found "
                + (FileSignature.Of(new ReadOnlySpan<byte>(bytes, length)) is { } other
                    ? $"{other}: convert it to JPEG or PNG"
                    : $"{length} bytes that are none or end too early")
            : SizeProblem(info.Height, info.Width) ?? LengthProblem(info.Height, info.Width, length);
        if (problem is null)
            codec = opened!;
        else
            opened?.Dispose();
        return problem is null;
    }

    private static unsafe bool TryDecode(SKCodec codec, SKImageInfo info, PictureFrame frame, ImageShape shape, Span<byte> planar,
        [NotNullWhen(false)] out string? problem)
    {
        var size = SizeToDecode(codec, info, frame);
        var length = size.Width * size.Height * BytesPerPixel;
        if (length > LongestSharing)
            lock (OneAtATime)
                return TryDecodeLarge(codec, info, size, frame, shape, planar, out problem);
        if (length > LongestPooled)
            return TryDecodeLarge(codec, info, size, frame, shape, planar, out problem);
        var pixels = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            fixed (byte* start = pixels)
                return TryDecode(codec, info, size, start, frame, shape, planar, out problem);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(pixels);
        }
    }

    private static unsafe bool TryDecodeLarge(SKCodec codec, SKImageInfo info, SKSizeI size, PictureFrame frame,
        ImageShape shape, Span<byte> planar, [NotNullWhen(false)] out string? problem)
    {
        var pixels = (byte*)NativeMemory.Alloc((nuint)size.Width * (nuint)size.Height * BytesPerPixel);
        try
        {
            return TryDecode(codec, info, size, pixels, frame, shape, planar, out problem);
        }
        finally
        {
            NativeMemory.Free(pixels);
        }
    }

    private static unsafe bool TryDecode(SKCodec codec, SKImageInfo info, SKSizeI size, byte* pixels, PictureFrame frame,
        ImageShape shape, Span<byte> planar, [NotNullWhen(false)] out string? problem)
    {
        var alpha = info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Premul;
        var result = codec.GetPixels(new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, alpha), (nint)pixels);
        problem = result == SKCodecResult.Success
            ? null
            : $"expected a whole {codec.EncodedFormat} image of {info.Width} x {info.Height} pixels, found {Describe(result)}";
        if (problem is not null)
            return false;
        var length = size.Width * size.Height * BytesPerPixel;
        PlaneWriter.Write(new ReadOnlySpan<byte>(pixels, length), size.Height, size.Width, isBgra: false, frame, shape, planar);
        return true;
    }

    /// <summary>
    /// The size at which the codec should decode. JPEG and WebP can leave out detail while they decode, much faster than decoding it all;
    /// at twice the wanted size, what remains for the filter hides the difference.
    /// </summary>
    private static SKSizeI SizeToDecode(SKCodec codec, SKImageInfo info, PictureFrame frame)
    {
        var scale = 2f * Math.Max((float)frame.Place.Width / info.Width, (float)frame.Place.Height / info.Height);
        return scale < 1 ? codec.GetScaledDimensions(scale) : info.Size;
    }

    private static PictureOrientation OrientationOf(SKCodec codec, ImageGeometry geometry)
        => geometry.HonorOrientation ? PictureOrientation.Of(codec.EncodedOrigin) : default;

    private static string Describe(SKCodecResult result) => result switch
    {
        SKCodecResult.IncompleteInput => "a file that ends too early",
        SKCodecResult.ErrorInInput or SKCodecResult.InvalidInput => "damaged data",
        _ => $"what Skia calls {result}",
    };

    private static string? SizeProblem(int height, int width) =>
        height is > 0 and <= MaxSide && width is > 0 and <= MaxSide && (long)height * width <= MaxPixels
            ? null
            : FormattableString.Invariant(
                $"expected sides of 1 to {MaxSide} pixels and at most {MaxPixels} pixels in all, found {width} x {height}");

    private static string? LengthProblem(int height, int width, int length)
        => (long)height * width <= Math.Max(PixelsWithoutProof, PixelsPerByte * length)
            ? null
            : FormattableString.Invariant(
                $"expected at most {Math.Max(PixelsWithoutProof, PixelsPerByte * length)} pixels in {length} bytes, found ")
                + FormattableString.Invariant($"a header that claims {width} x {height}");

    private static void CheckTarget(ImageShape shape, int length)
    {
        if (shape.Channels is not (1 or 3) || shape.Height < 1 || shape.Width < 1)
            throw new ArgumentException($"An image is decoded to 1 or 3 channels and to sides of at least one pixel, not to {shape}.",
                nameof(shape));
        if (length != shape.Size)
            throw new ArgumentException($"An image of {shape} needs {shape.Size} bytes; the target has {length}.", nameof(length));
    }
}
