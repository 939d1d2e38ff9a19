namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <content>
/// The gradient of the weights: a product of matrices whose sums run over pixels. A few rows of pixels are brought into the order in which
/// the inner loop reads them (Goto, van de Geijn 2008): inputs in panels of a tile's width, pixel behind pixel, in which every place of the
/// kernel is a distance; and the gradients of a block of outputs side by side.
/// </content>
internal unsafe partial class ConvolutionKernel
{
    private const int FloatsOfBlock = 4 << 10; // a block's gradients and a panel of inputs stay in the first-level cache together

    /// <summary>Floats of an image's inputs in panels; see <see cref="PackPanels(float*, float*)"/>.</summary>
    public long PanelsLength => HasPanels ? PanelsLengthOf(_shape.OutputHeight) : PaddedInputLength;

    /// <summary>Floats of scratch memory that <see cref="BackwardWeightsOfBlock"/> takes.</summary>
    public long CompactLength
        => checked((long)ImagesAtOnce * RowsAtOnce * _shape.OutputWidth * BlockWidth);

    /// <summary>Floats that <see cref="BackwardWeightsOfBlock"/> computes for a block at most.</summary>
    public long BlockSumsLength => BlockWidth * WeightsOfOutput;

    // With few channels, such as an image's three, a row of the kernel is one run, and serves as the panel without being copied.
    private bool HasPanels => _shape.Inputs % 16 == 0;

    private int PanelWidth => HasPanels ? BlockWidth == 16 ? 6 : 16 : _shape.Size * _shape.Inputs;

    private int Panels => HasPanels ? (_shape.Inputs + PanelWidth - 1) / PanelWidth : 1;

    // Of a 1x1 convolution panels hold only the pixels that meet a weight.
    private int PanelStride => _shape.Size == 1 && HasPanels ? 1 : _shape.Stride;

    private int PanelColumns => _shape.Size == 1 ? _shape.OutputWidth : _shape.Width + 2 * _shape.Padding;

    private int PixelsAtATime => FloatsOfBlock / BlockWidth;

    private int RowsAtOnce => Math.Clamp(PixelsAtATime / _shape.OutputWidth, 1, _shape.OutputHeight);

    private int ImagesAtOnce => Math.Max(1, PixelsAtATime / checked(_shape.OutputHeight * _shape.OutputWidth));

    /// <summary>Brings an image into panels, for <see cref="BackwardWeightsOfBlock"/>.</summary>
    /// <param name="padded">The input, with its border.</param>
    /// <param name="panels">Receives <see cref="PanelsLength"/> floats.</param>
    public void PackPanels(float* padded, float* panels)
    {
        if (HasPanels)
            PackPanels(padded, 0, _shape.OutputHeight, panels);
        else
            NativeBuffer.Copy(padded, panels, PaddedInputLength);
    }

    /// <summary>Adds the gradient of all weights that a group of images causes.</summary>
    /// <param name="padded">The inputs with their borders, <see cref="PaddedInputLength"/> apart.</param>
    /// <param name="paddedGradient">The gradients of the outputs with their borders, <see cref="PaddedGradientLength"/> apart.</param>
    /// <param name="images">How many images.</param>
    /// <param name="sums"><see cref="SumsLength"/> floats, for <see cref="EndBackwardWeights"/>.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats.</param>
    public virtual void BackwardWeights(float* padded, float* paddedGradient, int images, float* sums, float* scratch)
    {
        for (var image = 0; image < images; image++)
            BackwardWeightsOfImage(padded + image * PaddedInputLength, paddedGradient + image * PaddedGradientLength, sums, scratch);
    }

    /// <summary>
    /// Turns what <see cref="BackwardWeights"/> has gathered into gradients of weights, by block of outputs: size x size x inputs x
    /// channels of the block.
    /// </summary>
    /// <param name="sums">What was gathered, and then as many gradients as there are weights.</param>
    public virtual void EndBackwardWeights(float* sums)
    {
    }

    /// <summary>Computes the gradient of one block's weights over all images.</summary>
    /// <param name="block">Which block of outputs.</param>
    /// <param name="panels">The inputs in panels, <see cref="PanelsLength"/> apart.</param>
    /// <param name="paddedGradient">The gradients of the outputs with their borders, <see cref="PaddedGradientLength"/> apart.</param>
    /// <param name="images">How many images.</param>
    /// <param name="compact"><see cref="CompactLength"/> floats.</param>
    /// <param name="sums">Receives the block's sums: size x size x inputs x channels of the block.</param>
    public void BackwardWeightsOfBlock(int block, float* panels, float* paddedGradient, int images, float* compact, float* sums)
    {
        var (first, channels) = Block(block, _shape.Outputs);
        NativeBuffer.Clear(sums, WeightsOfOutput * channels);
        for (var image = 0; image < images; image += ImagesAtOnce)
            for (var row = 0; row < _shape.OutputHeight; row += RowsAtOnce)
            {
                var (count, rows) = (Math.Min(ImagesAtOnce, images - image), Math.Min(RowsAtOnce, _shape.OutputHeight - row));
                var length = (nint)rows * _shape.OutputWidth * channels;
                for (var i = 0; i < count; i++)
                    Compact(paddedGradient + (image + i) * PaddedGradientLength, first, channels, row, rows, compact + i * length);
                AddPanels(panels + image * PanelsLength, row, PanelPitchOf(_shape.OutputHeight), compact,
                    new(count, (nint)PanelsLength, length, rows), channels, sums);
            }
    }

    private void BackwardWeightsOfImage(float* padded, float* paddedGradient, float* sums, float* scratch)
    {
        var panels = scratch + (nint)RowsAtOnce * _shape.OutputWidth * BlockWidth;
        for (var row = 0; row < _shape.OutputHeight; row += RowsAtOnce)
        {
            var rows = Math.Min(RowsAtOnce, _shape.OutputHeight - row);
            if (HasPanels)
                PackPanels(padded, row, rows, panels);
            else
                panels = padded + (nint)row * _shape.Stride * InputPitch;
            for (var block = 0; block < Blocks; block++)
            {
                var (first, channels) = Block(block, _shape.Outputs);
                Compact(paddedGradient, first, channels, row, rows, scratch);
                AddPanels(panels, 0, PanelPitchOf(rows), scratch, new(1, 0, 0, rows), channels, sums + first * WeightsOfOutput);
            }
        }
    }

    // Floats from one panel to the next where they hold what some rows of outputs meet.
    private nint PanelPitchOf(int rows) => checked((nint)PanelRowsOf(rows) * PanelColumns * PanelWidth);

    private int PanelRowsOf(int rows) => (rows - 1) * PanelStride + _shape.Size;

    private long PanelsLengthOf(int rows) => checked(Panels * PanelPitchOf(rows));

    private void PackPanels(float* padded, int row, int rows, float* panels)
    {
        var step = (nint)(_shape.Size == 1 ? _shape.Stride : 1) * _shape.Inputs;
        var pitch = _shape.Size == 1 ? _shape.Stride * InputPitch : InputPitch;
        padded += (nint)row * _shape.Stride * InputPitch;
        for (var panel = 0; panel < Panels; panel++, padded += PanelWidth)
        {
            var pixel = padded;
            for (var line = PanelRowsOf(rows); line > 0; line--, pixel = pixel + pitch)
            {
                WeightGradientMicroKernel.PackPanel(pixel, step, PanelColumns, PanelWidth, panels);
                panels += (nint)PanelColumns * PanelWidth;
            }
        }
    }

    // Adds what some rows of some images make of one block of weights. A panel stays in the first-level cache for all places of the kernel.
    private void AddPanels(float* panels, int row, nint panelPitch, float* compact, WeightGradientMicroKernel.Images images, int channels,
        float* sums)
    {
        var (width, columns) = (PanelWidth, HasPanels ? PanelColumns * PanelWidth : InputPitch);
        var (step, places) = (PanelStride * (nint)(HasPanels ? width : _shape.Inputs), HasPanels ? _shape.Size : 1);
        var kernel = new WeightGradientMicroKernel(PanelStride * columns, step, (nint)_shape.OutputWidth * channels, channels,
            _shape.OutputWidth, BlockWidth);
        if (step * _shape.OutputWidth == PanelStride * columns)
            (kernel, images) = (kernel with { Width = images.Rows * _shape.OutputWidth }, images with { Rows = 1 }); // one row
        panels += row * PanelStride * columns;
        for (var panel = 0; panel < Panels; panel++, panels += panelPitch)
            for (var y = 0; y < _shape.Size; y++)
                for (var x = 0; x < places; x++)
                    kernel.Add(panels + y * columns + x * width, compact, images,
                        HasPanels ? Math.Min(width, _shape.Inputs - panel * width) : width, channels,
                        sums + (((nint)y * _shape.Size + x) * _shape.Inputs + panel * width) * channels);
    }

    // The gradients of some channels and some rows, side by side: on their own they do not lie where a cache could hold them all.
    private void Compact(float* paddedGradient, int first, int channels, int row, int rows, float* target)
    {
        paddedGradient += (row + _shape.Padding) * GradientPitch + (nint)_shape.Padding * _shape.Outputs + first;
        for (var line = 0; line < rows; line++, paddedGradient += GradientPitch, target += (nint)_shape.OutputWidth * channels)
            WeightGradientMicroKernel.PackGradients(paddedGradient, _shape.Outputs, _shape.OutputWidth, channels, target);
    }
}
