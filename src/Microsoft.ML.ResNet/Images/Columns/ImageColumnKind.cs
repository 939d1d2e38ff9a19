using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet.Images.Columns;

/// <summary>A column that holds images: what its type tells about them, and how to read them.</summary>
internal abstract class ImageColumnKind
{
    /// <summary>What a column of images may be, for messages.</summary>
    public const string Expected =
        "Vector<Byte> or Vector<Single> of known size (pixels, as ExtractPixels makes them), Image (LoadImages), or VarVector<Byte> "
        + "(encoded files, LoadRawImageBytes)";

    /// <summary>The shape of every image, or <see langword="null"/> where each image has its own size and nobody asks for one.</summary>
    public abstract ImageShape? Shape { get; }

    /// <summary>
    /// Whether the images are pictures with a size of their own, so that more of a picture can be kept than the network takes.
    /// </summary>
    public virtual bool HoldsPictures => false;

    /// <summary>
    /// The values of black and full pixels where the column holds numbers; <see langword="null"/> until somebody tells or recognises them.
    /// </summary>
    public PixelRange? Range { get; set; }

    /// <summary>Understands a column.</summary>
    /// <param name="type">The column's type.</param>
    /// <param name="options">What the caller says about the images.</param>
    /// <param name="problem">Why there is no result: what was found and which option would help.</param>
    /// <returns>The column, or <see langword="null"/>.</returns>
    public static ImageColumnKind? Create(DataViewType type, ImageColumnOptions options, out string? problem)
    {
        problem = null;
        switch (type)
        {
            case VectorDataViewType { IsKnownSize: true } vector when vector.ItemType == NumberDataViewType.Byte:
                return PixelLayouts.Infer(vector, options, out problem) is { } bytes
                    ? new ByteVectorColumn(bytes, Target(bytes, options)) { Range = options.Range }
                    : null;
            case VectorDataViewType { IsKnownSize: true } vector when vector.ItemType == NumberDataViewType.Single:
                return PixelLayouts.Infer(vector, options, out problem) is { } floats
                    ? new FloatVectorColumn(floats, Target(floats, options)) { Range = options.Range }
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

    private static ImageShape Target(PixelFormat format, ImageColumnOptions options)
        => new(format.Shape.Channels, options.Height ?? format.Shape.Height, options.Width ?? format.Shape.Width);

    private static int? KnownSide(int side) => side > 0 ? side : null;
}
