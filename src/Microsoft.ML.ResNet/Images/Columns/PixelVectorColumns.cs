using System.Diagnostics.CodeAnalysis;
using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Images.Columns;

/// <summary>A column of raw pixels: a vector of known size.</summary>
/// <param name="format">How the pixels lie in it.</param>
/// <param name="shape">The shape in which images are wanted; the format's, if nobody asks for another.</param>
internal abstract class PixelVectorColumn<T>(PixelFormat format, ImageShape shape) : ImageColumnKind
{
    /// <inheritdoc/>
    public override ImageShape? Shape => shape;

    /// <inheritdoc/>
    public override ImageColumnReader Open(DataViewRow row, DataViewSchema.Column column) => Read(row.GetGetter<VBuffer<T>>(column));

    /// <summary>Reads images from wherever their values come.</summary>
    /// <param name="getter">Gives the current image's values.</param>
    public ImageColumnReader Read(ValueGetter<VBuffer<T>> getter) => new Reader(this, format, shape, getter);

    /// <summary>Writes one image, planar.</summary>
    /// <param name="vector">The values, as many as the format has.</param>
    /// <param name="format">How they lie.</param>
    /// <param name="pixels">Receives them.</param>
    /// <param name="problem">Why the values are no pixels.</param>
    /// <returns>Whether every value is a pixel.</returns>
    protected abstract bool TryWrite(in VBuffer<T> vector, PixelFormat format, Span<byte> pixels,
        [NotNullWhen(false)] out string? problem);

    private sealed class Reader(PixelVectorColumn<T> column, PixelFormat format, ImageShape wanted, ValueGetter<VBuffer<T>> getter)
        : ImageColumnReader
    {
        private readonly byte[] _own = format.Shape == wanted ? [] : new byte[format.Shape.Size];
        private VBuffer<T> _value;

        public override bool TryReadShape(ImageGeometry geometry, out ImageShape shape,
            [NotNullWhen(false)] out string? problem)
        {
            problem = null;
            shape = wanted;
            return true;
        }

        public override bool TryRead(ImageTarget target, Span<byte> pixels, out PictureSize picture,
            [NotNullWhen(false)] out string? problem)
        {
            getter(ref _value);
            PixelVectors.CheckLength(_value, format);
            picture = new(format.Shape.Height, format.Shape.Width);
            if (format.Shape == target.Shape)
                return column.TryWrite(_value, format, pixels, out problem);
            if (!column.TryWrite(_value, format, _own, out problem))
                return false;
            PlanarPicture.Frame(_own, format.Shape, picture, target, pixels);
            return true;
        }
    }
}

/// <summary>Pixels as bytes.</summary>
internal sealed class ByteVectorColumn(PixelFormat format, ImageShape shape) : PixelVectorColumn<byte>(format, shape)
{
    /// <inheritdoc/>
    protected override bool TryWrite(in VBuffer<byte> vector, PixelFormat format, Span<byte> pixels,
        [NotNullWhen(false)] out string? problem)
    {
        problem = null;
        if (format.IsPlanarRgb && vector.IsDense)
            vector.GetValues().CopyTo(pixels);
        else
            PixelVectors.Arrange(vector, format, pixels, static value => value);
        return true;
    }
}

/// <summary>Pixels as numbers of a <see cref="ImageColumnKind.Range"/>, as <c>ExtractPixels</c> makes them.</summary>
internal sealed class FloatVectorColumn(PixelFormat format, ImageShape shape) : PixelVectorColumn<float>(format, shape)
{
    /// <inheritdoc/>
    protected override bool TryWrite(in VBuffer<float> vector, PixelFormat format, Span<byte> pixels,
        [NotNullWhen(false)] out string? problem)
    {
        var range = Range ?? PixelRange.Bytes;
        var found = PixelValues.Of(vector.GetValues(), vector.IsDense);
        problem = found is null ? "expected finite numbers, found infinity or NaN among the pixels" : null;
        if (problem is not null)
            return false;
        if (!found!.Value.Fits(range))
            throw new InvalidDataException(
                $"An image has values from {found}; expected pixels from {range}, as in the other images or as the model has learnt them. "
                + "Give all images the same offset and scale in ExtractPixels, and set PixelRange in the trainer's options where they are "
                + "not recognised.");
        var (black, step) = (range.Black, 255 / (range.Full - range.Black));
        PixelVectors.Arrange(vector, format, pixels, value => (byte)Math.Clamp(MathF.Round((value - black) * step), 0, 255));
        return true;
    }
}

/// <summary>Puts the values of a vector into planar RGB order.</summary>
internal static class PixelVectors
{
    /// <summary>Refuses a row that does not keep its column's promise, which ML.NET does not check for rows in memory.</summary>
    /// <exception cref="InvalidDataException">The vector has another length than the column's type says.</exception>
    public static void CheckLength<T>(in VBuffer<T> vector, PixelFormat format)
    {
        if (vector.Length != format.Shape.Size)
            throw new InvalidDataException(
                $"A row of the column of images holds {vector.Length} values; expected {format.Shape.Size} ({format.Shape}), as the "
                + "column's type says. Give every row that many, or, for encoded files, a column without a fixed size.");
    }

    /// <summary>Writes one image.</summary>
    /// <param name="vector">The values, dense or sparse, in the order of <paramref name="format"/>.</param>
    /// <param name="format">How they lie.</param>
    /// <param name="pixels">Receives them, planar.</param>
    /// <param name="convert">Makes a value a byte.</param>
    public static void Arrange<T>(in VBuffer<T> vector, PixelFormat format, Span<byte> pixels, Func<T, byte> convert)
    {
        var values = vector.IsDense ? vector.GetValues() : vector.DenseValues().ToArray();
        for (var channel = 0; channel < format.Shape.Channels; channel++)
        {
            var plane = pixels.Slice(channel * format.Shape.PlaneSize, format.Shape.PlaneSize);
            var (source, step) = format.Channel(channel);
            for (var pixel = 0; pixel < plane.Length; pixel++, source += step)
                plane[pixel] = convert(values[source]);
        }
    }
}
