using System.Diagnostics.CodeAnalysis;

namespace Microsoft.ML.ResNet.Images.Columns;

/// <summary>Reads the image of the current row. Serves one cursor, on one thread at a time.</summary>
internal abstract class ImageColumnReader
{
    /// <summary>Tells the shape in which the current row's image would be kept if it decided.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="problem">Why there is none: expected and found.</param>
    /// <returns>Whether there is a readable image.</returns>
    public abstract bool TryReadShape(out ImageShape shape, [NotNullWhen(false)] out string? problem);

    /// <summary>Reads the current row's image.</summary>
    /// <param name="shape">The shape to deliver; images of another size are resized where the column allows it.</param>
    /// <param name="pixels">Receives <see cref="ImageShape.Size"/> bytes, planar.</param>
    /// <param name="problem">Why there was none: expected and found.</param>
    /// <returns>Whether there was a readable image; without one, <paramref name="pixels"/> is undefined.</returns>
    /// <exception cref="InvalidDataException">The row breaks its column's promise of a length, or of a range of values.</exception>
    public abstract bool TryRead(ImageShape shape, Span<byte> pixels, [NotNullWhen(false)] out string? problem);
}
