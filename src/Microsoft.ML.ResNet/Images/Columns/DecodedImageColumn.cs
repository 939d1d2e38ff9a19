using System.Diagnostics.CodeAnalysis;
using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Images.Columns;

/// <summary>A column of <see cref="MLImage"/>, of any size.</summary>
internal sealed class DecodedImageColumn(ImageColumnOptions options) : ImageColumnKind
{
    /// <inheritdoc/>
    public override ImageShape? Shape => (options with { Channels = options.Channels ?? 3 }).Shape;

    /// <inheritdoc/>
    public override bool HoldsPictures => true;

    /// <inheritdoc/>
    public override ImageColumnReader Open(DataViewRow row, DataViewSchema.Column column)
        => new Reader(options, row.GetGetter<MLImage>(column));

    private sealed class Reader(ImageColumnOptions options, ValueGetter<MLImage> getter) : ImageColumnReader
    {
        // One variable for all rows: a getter that makes images disposes the one before. The last is left to its finaliser, because
        // the rows of an in-memory view hand out the caller's own images, and those must stay alive.
        private MLImage? _image;

        public override bool TryReadShape(ImageGeometry geometry, out ImageShape shape,
            [NotNullWhen(false)] out string? problem)
        {
            shape = default;
            if (!TryGet(out problem))
                return false;
            shape = new ImageShape(options.Channels ?? 3, options.Height ?? _image.Height, options.Width ?? _image.Width);
            return true;
        }

        public override bool TryRead(ImageTarget target, Span<byte> pixels, out PictureSize picture,
            [NotNullWhen(false)] out string? problem)
        {
            picture = default;
            if (!TryGet(out problem))
                return false;
            picture = new(_image.Height, _image.Width);
            return ImageDecoder.TryConvert(_image.Pixels, _image.Width, _image.Height, _image.PixelFormat == MLPixelFormat.Bgra32, target,
                pixels, out problem);
        }

        [MemberNotNullWhen(true, nameof(_image))]
        private bool TryGet([NotNullWhen(false)] out string? problem)
        {
            getter(ref _image!);
            problem = null;
            if (_image is { PixelFormat: MLPixelFormat.Bgra32 or MLPixelFormat.Rgba32 })
                return true;
            problem = _image is null
                ? "expected an image, found none"
                : $"expected pixels of the format Bgra32 or Rgba32, found {_image.PixelFormat}";
            return false;
        }
    }
}
