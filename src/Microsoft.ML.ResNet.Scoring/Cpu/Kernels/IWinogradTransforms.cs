namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// The transforms of Winograd's convolution F(m x m, 3x3) (Lavin, Gray 2015, arXiv:1509.09308) for a vector of channels at a time. A tile
/// of m x m output pixels comes from (m + 2) x (m + 2) input pixels d and a 3x3 kernel g:
/// <code>
/// Y = A^T [(G g G^T) * (B^T d B)] A
/// </code>
/// The product * is element by element, and sums over input channels: each of the (m + 2)^2 elements is a 1x1 convolution of its own, of
/// one pixel for m x m. Elements lie at a fixed distance from each other, the pitch. Each transform is linear; that of a gradient is the
/// transpose of the one that it goes back through.
/// </summary>
internal unsafe interface IWinogradTransforms
{
    /// <summary>Output pixels on a side of a tile: m.</summary>
    static abstract int TileSize { get; }

    /// <summary>
    /// Whether an output pixel is computed from the inputs that it depends on and no others, so that a tile may read anything beyond an
    /// image.
    /// </summary>
    static abstract bool MayHangOver { get; }

    /// <summary>Input pixels to elements: <c>B^T d B</c>.</summary>
    /// <typeparam name="TLanes">The vectors to compute with.</typeparam>
    /// <param name="pixels">The first of the pixels.</param>
    /// <param name="row">Floats from one row of pixels to the next.</param>
    /// <param name="pixel">Floats from one pixel to the next.</param>
    /// <param name="elements">Receives the first element.</param>
    /// <param name="pitch">Floats from one element to the next.</param>
    static abstract void Input<TLanes>(float* pixels, nint row, nint pixel, float* elements, nint pitch)
        where TLanes : struct, ILanes<TLanes>;

    /// <summary>Elements to output pixels: <c>A^T m A</c>.</summary>
    /// <typeparam name="TLanes">The vectors to compute with.</typeparam>
    /// <typeparam name="TSink">What becomes of the pixels.</typeparam>
    /// <param name="elements">The first element.</param>
    /// <param name="pitch">Floats from one element to the next.</param>
    /// <param name="pixels">The place of the first of the pixels.</param>
    /// <param name="row">Floats from one row of pixels to the next.</param>
    /// <param name="pixel">Floats from one pixel to the next.</param>
    /// <param name="height">Rows of pixels to write; m unless the tile hangs over.</param>
    /// <param name="width">Columns of pixels to write; m unless the tile hangs over.</param>
    /// <param name="sink">Takes the pixels.</param>
    static abstract void Output<TLanes, TSink>(float* elements, nint pitch, float* pixels, nint row, nint pixel, int height, int width,
        TSink sink)
        where TLanes : struct, ILanes<TLanes>
        where TSink : struct, IPixelSink<TLanes>;

    /// <summary>The gradient of output pixels to that of the elements: <c>A y A^T</c>.</summary>
    /// <typeparam name="TLanes">The vectors to compute with.</typeparam>
    /// <param name="pixels">The first of the pixels.</param>
    /// <param name="row">Floats from one row of pixels to the next.</param>
    /// <param name="pixel">Floats from one pixel to the next.</param>
    /// <param name="elements">Receives the first element.</param>
    /// <param name="pitch">Floats from one element to the next.</param>
    static abstract void OutputGradient<TLanes>(float* pixels, nint row, nint pixel, float* elements, nint pitch)
        where TLanes : struct, ILanes<TLanes>;

    /// <summary>3x3 weights to elements: <c>G g G^T</c>, for sixteen channels.</summary>
    /// <param name="weights">The first weight.</param>
    /// <param name="weight">Floats from one weight to the next in its row; three times that to the next row.</param>
    /// <param name="elements">Receives the first element.</param>
    /// <param name="pitch">Floats from one element to the next.</param>
    static abstract void Weights(float* weights, nint weight, float* elements, nint pitch);

    /// <summary>
    /// The gradient of the elements to that of 3x3 weights: <c>G^T u G</c>, for sixteen channels. All elements are read before a weight is
    /// written.
    /// </summary>
    /// <param name="elements">The first element.</param>
    /// <param name="pitch">Floats from one element to the next.</param>
    /// <param name="weights">Receives the first weight.</param>
    /// <param name="weight">Floats from one weight to the next.</param>
    static abstract void WeightsGradient(float* elements, nint pitch, float* weights, nint weight);
}
