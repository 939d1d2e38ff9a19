using System.Diagnostics.CodeAnalysis;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet.Images.Columns;

/// <summary>A column that holds images: what its type tells about them, and how to read them.</summary>
internal abstract class ImageColumn
{
    /// <summary>What a column of images may be, for messages.</summary>
    public const string Expected =
        "Vector<Byte> or Vector<Single> of known size (pixels, as ExtractPixels makes them), Image (LoadImages), or VarVector<Byte> "
        + "(encoded files, LoadRawImageBytes)";

    /// <summary>The shape of every image, or <see langword="null"/> where each image has its own size and nobody asks for one.</summary>
    public abstract ImageShape? Shape { get; }

    /// <summary>
    /// The values of black and full pixels where the column holds numbers; <see langword="null"/> until somebody tells or recognises them.
    /// </summary>
    public PixelRange? Range { get; set; }

    /// <summary>Understands a column.</summary>
    /// <param name="type">The column's type.</param>
    /// <param name="options">What the caller says about the images.</param>
    /// <param name="problem">Why there is no result: what was found and which option would help.</param>
    /// <returns>The column, or <see langword="null"/>.</returns>
    public static ImageColumn? Create(DataViewType type, ImageColumnOptions options, out string? problem)
    {
        problem = null;
        switch (type)
        {
            case VectorDataViewType { IsKnownSize: true } vector when vector.ItemType == NumberDataViewType.Byte:
                return PixelLayouts.Infer(vector, options, out problem) is { } bytes
                    ? new ByteVectorColumn(bytes) { Range = options.Range }
                    : null;
            case VectorDataViewType { IsKnownSize: true } vector when vector.ItemType == NumberDataViewType.Single:
                return PixelLayouts.Infer(vector, options, out problem) is { } floats
                    ? new FloatVectorColumn(floats) { Range = options.Range }
                    : null;
            case ImageDataViewType or VectorDataViewType { IsKnownSize: false } when options.Channels is not (null or 1 or 3):
                problem = $"got {type}, which gives 1 or 3 channels, not {options.Channels}. Use a vector of pixels for other numbers of "
                    + "channels";
                return null;
            case ImageDataViewType image:
                return new DecodedImageColumn(
                    options with { Height = options.Height ?? KnownSide(image.Height), Width = options.Width ?? KnownSide(image.Width) });
            case VectorDataViewType { IsKnownSize: false } vector when vector.ItemType == NumberDataViewType.Byte:
                return new EncodedImageColumn(options);
            default:
                problem = $"got {type}";
                return null;
        }
    }

    /// <summary>Opens the column in a row or cursor.</summary>
    public abstract ImageColumnReader Open(DataViewRow row, DataViewSchema.Column column);

    private static int? KnownSide(int side) => side > 0 ? side : null;
}

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
