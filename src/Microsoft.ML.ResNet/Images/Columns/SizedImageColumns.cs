using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Images.Columns;

/// <summary>A column of <see cref="MLImage"/>, of any size.</summary>
internal sealed class DecodedImageColumn(ImageColumnOptions options) : ImageColumn
{
    /// <inheritdoc/>
    public override ImageShape? Shape => (options with { Channels = options.Channels ?? 3 }).Shape;

    /// <inheritdoc/>
    public override ImageColumnReader Open(DataViewRow row, DataViewSchema.Column column)
        => new Reader(options, row.GetGetter<MLImage>(column));

    private sealed class Reader(ImageColumnOptions options, ValueGetter<MLImage> getter) : ImageColumnReader
    {
        // One variable for all rows: a getter that makes images disposes the one before. The last is left to its finaliser, because
        // the rows of an in-memory view hand out the caller's own images, and those must stay alive.
        private MLImage? _image;

        public override bool TryReadShape(out ImageShape shape)
        {
            getter(ref _image!);
            shape = _image is null
                ? default
                : new ImageShape(options.Channels ?? 3, options.Height ?? _image.Height, options.Width ?? _image.Width);
            return _image is not null;
        }

        public override bool TryRead(ImageShape shape, Span<byte> pixels)
        {
            getter(ref _image!);
            return _image is not null && _image.PixelFormat is MLPixelFormat.Bgra32 or MLPixelFormat.Rgba32
                && ImageDecoder.TryConvert(_image.Pixels, _image.Width, _image.Height, _image.PixelFormat == MLPixelFormat.Bgra32, shape,
                    pixels, out _);
        }
    }
}

/// <summary>A column of encoded image files (JPEG, PNG, ...), as <c>LoadRawImageBytes</c> makes it.</summary>
internal sealed class EncodedImageColumn(ImageColumnOptions options) : ImageColumn
{
    /// <inheritdoc/>
    public override ImageShape? Shape => (options with { Channels = options.Channels ?? 3 }).Shape;

    /// <inheritdoc/>
    public override ImageColumnReader Open(DataViewRow row, DataViewSchema.Column column)
        => new Reader(options, row.GetGetter<VBuffer<byte>>(column));

    private sealed class Reader(ImageColumnOptions options, ValueGetter<VBuffer<byte>> getter) : ImageColumnReader
    {
        private VBuffer<byte> _file;

        public override bool TryReadShape(out ImageShape shape)
        {
            shape = default;
            getter(ref _file);
            if (!_file.IsDense || !ImageDecoder.TryReadSize(_file.GetValues(), out var height, out var width, out _))
                return false;
            shape = new ImageShape(options.Channels ?? 3, options.Height ?? height, options.Width ?? width);
            return true;
        }

        public override bool TryRead(ImageShape shape, Span<byte> pixels)
        {
            getter(ref _file);
            return _file.IsDense && ImageDecoder.TryDecode(_file.GetValues(), shape, pixels, out _);
        }
    }
}
