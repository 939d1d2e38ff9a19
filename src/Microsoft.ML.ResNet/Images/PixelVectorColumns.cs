using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Images;

/// <summary>A column of raw pixels as bytes: a vector of known size.</summary>
internal sealed class ByteVectorColumn(PixelFormat format) : ImageColumn
{
    /// <inheritdoc/>
    public override ImageShape? Shape => format.Shape;

    /// <inheritdoc/>
    public override ImageReader Open(DataViewRow row, DataViewSchema.Column column) => new Reader(format, row.GetGetter<VBuffer<byte>>(column));

    private sealed class Reader(PixelFormat format, ValueGetter<VBuffer<byte>> getter) : ImageReader
    {
        private VBuffer<byte> _value;

        public override bool TryReadShape(out ImageShape shape)
        {
            shape = format.Shape;
            return true;
        }

        public override bool TryRead(ImageShape shape, Span<byte> pixels)
        {
            getter(ref _value);
            PixelVectors.CheckLength(_value, format);
            if (format.IsPlanarRgb && _value.IsDense)
                _value.GetValues().CopyTo(pixels);
            else
                PixelVectors.Arrange(_value, format, pixels, static value => value);
            return true;
        }
    }
}

/// <summary>A column of raw pixels as numbers from 0 to 255: a vector of known size, as <c>ExtractPixels</c> makes it.</summary>
internal sealed class FloatVectorColumn(PixelFormat format) : ImageColumn
{
    /// <inheritdoc/>
    public override ImageShape? Shape => format.Shape;

    /// <inheritdoc/>
    public override ImageReader Open(DataViewRow row, DataViewSchema.Column column) => new Reader(format, row.GetGetter<VBuffer<float>>(column));

    private sealed class Reader(PixelFormat format, ValueGetter<VBuffer<float>> getter) : ImageReader
    {
        private VBuffer<float> _value;

        public override bool TryReadShape(out ImageShape shape)
        {
            shape = format.Shape;
            return true;
        }

        public override bool TryRead(ImageShape shape, Span<byte> pixels)
        {
            getter(ref _value);
            PixelVectors.CheckLength(_value, format);
            foreach (var value in _value.GetValues())
                if (!float.IsFinite(value))
                    return false;
            PixelVectors.Arrange(_value, format, pixels, static value => (byte)Math.Clamp(MathF.Round(value), 0, 255));
            return true;
        }
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
            throw new InvalidDataException($"A row of the column of images holds {vector.Length} values; expected {format.Shape.Size} ({format.Shape}), as the column's type says. Give every row that many, or, for encoded files, a column without a fixed size.");
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
