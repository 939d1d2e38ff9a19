using System.Diagnostics.CodeAnalysis;

namespace Microsoft.ML.ResNet.Images.Columns;

/// <summary>Reads the image of the current row. Serves one cursor, on one thread at a time.</summary>
internal abstract class ImageColumnReader
{
    /// <summary>Tells the shape in which the current row's image would be kept if it decided.</summary>
    /// <param name="geometry">Whether the camera's orientation counts.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="problem">Why there is none: expected and found.</param>
    /// <returns>Whether there is a readable image.</returns>
    public abstract bool TryReadShape(ImageGeometry geometry, out ImageShape shape, [NotNullWhen(false)] out string? problem);

    /// <summary>Reads the current row's image.</summary>
    /// <param name="target">The shape to deliver, and how pictures of another size become that.</param>
    /// <param name="pixels">Receives <see cref="ImageShape.Size"/> bytes, planar.</param>
    /// <param name="picture">The picture's own size, as it stands.</param>
    /// <param name="problem">Why there was none: expected and found.</param>
    /// <returns>Whether there was a readable image; without one, <paramref name="pixels"/> is undefined.</returns>
    /// <exception cref="InvalidDataException">The row breaks its column's promise of a length, or of a range of values.</exception>
    public abstract bool TryRead(ImageTarget target, Span<byte> pixels, out PictureSize picture,
        [NotNullWhen(false)] out string? problem);

    /// <summary>A copy of the current row's file, for who decodes it elsewhere; <see langword="null"/> where it is no file.</summary>
    public virtual FileCopy? CopyFile() => null;
}
