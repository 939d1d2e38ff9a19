using System.Buffers;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// Pictures, wherever they come from, as pixels for a network. Limits are checked before memory is taken; what cannot be read is a reason,
/// not an exception. Thread-safe.
/// </summary>
/// <param name="target">What every picture becomes.</param>
/// <param name="options">The limits.</param>
internal sealed class PictureDecoder(ImageTarget target, ImageClassifierOptions options)
{
    private const int FirstRoom = 64 << 10; // bytes, for a stream of unknown length

    /// <summary>Decodes a file.</summary>
    /// <param name="path">The path; a folder, a pipe or a device is a reason.</param>
    /// <param name="pixels">Receives the image.</param>
    public DecodedPicture Decode(string path, Span<byte> pixels)
    {
        try
        {
            if (string.IsNullOrEmpty(path) || path.Contains('\0', StringComparison.Ordinal))
                return DecodedPicture.None(ImageProblemKind.NoFile, "expected the path of an image file, found one that no file can have");
            if (Directory.Exists(path))
                return DecodedPicture.None(ImageProblemKind.NoFile, "expected an image file, found a folder");
            var handle = RegularFile.TryOpen(path, out var length);
            if (handle is null)
                return DecodedPicture.None(ImageProblemKind.NoFile, $"expected an image file, found {RegularFile.FoundOther}");
            using var file = new FileStream(handle, FileAccess.Read, bufferSize: 0);
            return length > options.MaximumBytes ? TooManyBytes($"{length}") : Decode(file, pixels);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return DecodedPicture.None(ImageProblemKind.NoFile,
                $"expected a file that can be read, found that it cannot: {e.Message.TrimEnd('.')}");
        }
    }

    /// <summary>Decodes what a stream holds from its position to its end.</summary>
    /// <exception cref="IOException">The stream failed.</exception>
    public DecodedPicture Decode(Stream stream, Span<byte> pixels)
    {
        var room = stream.CanSeek ? stream.Length - stream.Position + 1 : FirstRoom; // the byte more finds the end
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(room, 1, options.MaximumBytes + 1L));
        try
        {
            var length = 0;
            for (int more; (more = stream.Read(buffer, length, buffer.Length - length)) > 0;)
            {
                length += more;
                if (length > options.MaximumBytes)
                    return TooManyBytes("more");
                if (length == buffer.Length)
                    Grow(ref buffer, options.MaximumBytes);
            }
            return Decode(buffer.AsSpan(0, length), pixels);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Decodes an encoded file.</summary>
    public DecodedPicture Decode(ReadOnlySpan<byte> encoded, Span<byte> pixels)
    {
        if (encoded.Length > options.MaximumBytes)
            return TooManyBytes($"{encoded.Length}");
        if (!ImageDecoder.TryReadSize(encoded, target.Geometry, out var height, out var width, out var problem))
            return DecodedPicture.None(encoded.IsEmpty ? ImageProblemKind.Empty
                : height == 0 ? ImageProblemKind.UnknownFormat
                : ImageProblemKind.TooManyPixels, problem);
        if ((long)height * width > options.MaximumPixels)
            return TooManyPixels(height, width);
        return ImageDecoder.TryDecode(encoded, target, pixels, out var size, out problem)
            ? new(size)
            : DecodedPicture.None(ImageProblemKind.Damaged, problem);
    }

    /// <summary>Takes the pixels of an image in memory.</summary>
    /// <param name="source">The pixels row by row, four bytes each; its colours are premultiplied.</param>
    /// <param name="size">Its size.</param>
    /// <param name="isBgra">Whether a pixel's bytes are blue, green, red, alpha; otherwise red, green, blue, alpha.</param>
    /// <param name="pixels">Receives the image.</param>
    public DecodedPicture Convert(ReadOnlySpan<byte> source, PictureSize size, bool isBgra, Span<byte> pixels)
    {
        if ((long)size.Height * size.Width > options.MaximumPixels)
            return TooManyPixels(size.Height, size.Width);
        return ImageDecoder.TryConvert(source, size.Width, size.Height, isBgra, target, pixels, out var problem)
            ? new(size)
            : DecodedPicture.None(ImageProblemKind.TooManyPixels, problem);
    }

    private DecodedPicture TooManyBytes(string found)
        => DecodedPicture.None(ImageProblemKind.TooManyBytes, $"expected at most {options.MaximumBytes} bytes, found {found}");

    private DecodedPicture TooManyPixels(int height, int width) => DecodedPicture.None(ImageProblemKind.TooManyPixels,
        FormattableString.Invariant($"expected at most {options.MaximumPixels} pixels, found {width} x {height}"));

    private static void Grow(ref byte[] buffer, int most)
    {
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(2L * buffer.Length, most + 1L));
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }
}
