namespace Microsoft.ML.ResNet.Reports.Sampling;

/// <summary>Planes of pixels as Skia wants them.</summary>
internal static class PlanarPixels
{
    /// <summary>Makes pixels of red, green, blue and opacity, one after the other.</summary>
    /// <param name="planar">The image: 1 channel (grey), or at least 3, of which the first are red, green and blue.</param>
    /// <param name="shape">Its shape.</param>
    public static byte[] Interleave(ReadOnlySpan<byte> planar, ImageShape shape)
    {
        var pixels = new byte[4 * shape.PlaneSize];
        var (green, blue) = shape.Channels < 3 ? (0, 0) : (shape.PlaneSize, 2 * shape.PlaneSize);
        for (var pixel = 0; pixel < shape.PlaneSize; pixel++)
            (pixels[4 * pixel], pixels[4 * pixel + 1], pixels[4 * pixel + 2], pixels[4 * pixel + 3])
                = (planar[pixel], planar[green + pixel], planar[blue + pixel], byte.MaxValue);
        return pixels;
    }
}
