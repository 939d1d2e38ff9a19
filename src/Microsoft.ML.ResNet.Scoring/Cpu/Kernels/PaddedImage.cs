namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>An image with a border of zeros, in scratch memory: what <see cref="ConvolutionKernel"/> reads.</summary>
internal static unsafe class PaddedImage
{
    /// <summary>Sets the border to 0.</summary>
    /// <param name="padded">The first float.</param>
    /// <param name="rows">Rows of the image.</param>
    /// <param name="rowLength">Floats of each.</param>
    /// <param name="padding">Rows of the border above and below.</param>
    /// <param name="border">Floats of the border on each side of a row.</param>
    /// <returns>The image's own first float; its rows are <c>rowLength + 2 border</c> apart.</returns>
    public static float* ClearBorder(float* padded, int rows, nint rowLength, int padding, nint border)
    {
        var pitch = rowLength + 2 * border;
        NativeBuffer.Clear(padded, padding * pitch);
        NativeBuffer.Clear(padded + (padding + rows) * pitch, padding * pitch);
        var image = padded + padding * pitch + border;
        if (border > 0)
            for (var row = 0; row < rows; row++)
            {
                NativeBuffer.Clear(image + row * pitch - border, border);
                NativeBuffer.Clear(image + row * pitch + rowLength, border);
            }
        return image;
    }

    /// <summary>Copies an image into a border of zeros.</summary>
    /// <param name="image">The image.</param>
    /// <param name="padded">The first float of the scratch memory.</param>
    /// <param name="rows">Rows of the image.</param>
    /// <param name="rowLength">Floats of each.</param>
    /// <param name="padding">Rows of the border above and below.</param>
    /// <param name="border">Floats of the border on each side of a row.</param>
    public static void Load(float* image, float* padded, int rows, nint rowLength, int padding, nint border)
    {
        padded = ClearBorder(padded, rows, rowLength, padding, border);
        for (var row = 0; row < rows; row++, image += rowLength, padded += rowLength + 2 * border)
            NativeBuffer.Copy(image, padded, rowLength);
    }
}
