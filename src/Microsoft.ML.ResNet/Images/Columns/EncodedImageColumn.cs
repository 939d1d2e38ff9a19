using System.Diagnostics.CodeAnalysis;
using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Images.Columns;

/// <summary>A column of encoded image files (JPEG, PNG, ...), as <c>LoadRawImageBytes</c> makes it.</summary>
internal sealed class EncodedImageColumn(ImageColumnOptions options) : ImageColumnKind
{
    /// <inheritdoc/>
    public override ImageShape? Shape => (options with { Channels = options.Channels ?? 3 }).Shape;

    /// <inheritdoc/>
    public override bool HoldsPictures => true;

    /// <inheritdoc/>
    public override ImageColumnReader Open(DataViewRow row, DataViewSchema.Column column)
        => new Reader(options, row.GetGetter<VBuffer<byte>>(column));

    private sealed class Reader(ImageColumnOptions options, ValueGetter<VBuffer<byte>> getter) : ImageColumnReader
    {
        private VBuffer<byte> _file;

        public override bool TryReadShape(ImageGeometry geometry, out ImageShape shape, [NotNullWhen(false)] out string? problem)
        {
            shape = default;
            if (!ImageDecoder.TryReadSize(File(), geometry, out var height, out var width, out problem))
                return false;
            shape = new ImageShape(options.Channels ?? 3, options.Height ?? height, options.Width ?? width);
            return true;
        }

        public override bool TryRead(ImageTarget target, Span<byte> pixels, out PictureSize picture,
            [NotNullWhen(false)] out string? problem)
            => ImageDecoder.TryDecode(File(), target, pixels, out picture, out problem);

        public override FileCopy CopyFile() => new(File());

        private ReadOnlySpan<byte> File()
        {
            getter(ref _file);
            return _file.IsDense ? _file.GetValues() : _file.DenseValues().ToArray();
        }
    }
}
