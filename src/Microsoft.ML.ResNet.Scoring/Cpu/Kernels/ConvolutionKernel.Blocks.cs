namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <content>
/// Few images of many weights: a block of channels at a time. A slice of the block's weights is packed into the first-level cache, meets
/// all images there, and is forgotten: packed weights never go to memory. Every sum is that of packed weights, bit for bit.
/// </content>
internal unsafe partial class ConvolutionKernel
{
    /// <summary>
    /// Whether <see cref="ForwardOfBlock"/> and <see cref="BackwardInputOfBlock"/> are faster than weights that are packed as a whole.
    /// </summary>
    public bool IsByBlock { get; private init; }

    /// <summary>Convolves all images with the weights of one block of outputs.</summary>
    /// <param name="block">Which of <see cref="Blocks"/>.</param>
    /// <param name="padded">The inputs with their borders, <see cref="PaddedInputLength"/> apart.</param>
    /// <param name="weights">All weights, in the order outputs x size x size x inputs.</param>
    /// <param name="output">Receives the block's channels of the outputs.</param>
    /// <param name="images">How many images.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats.</param>
    public void ForwardOfBlock(int block, float* padded, float* weights, float* output, int images, float* scratch)
    {
        var maps = ForwardMaps(padded, output);
        foreach (var slice in _slices)
        {
            PackOutputs(block, slice, weights, scratch);
            Multiply(_forward, block, slice, maps, 0, maps.Height, scratch, images, adds: slice != _slices[0]);
        }
    }

    /// <summary>Computes the gradients of one block of inputs of all images.</summary>
    /// <param name="block">Which of <see cref="InputBlocks"/>.</param>
    /// <param name="paddedGradient">The gradients of the outputs with their borders, <see cref="PaddedGradientLength"/> apart.</param>
    /// <param name="weights">All weights, in the order outputs x size x size x inputs.</param>
    /// <param name="gradient">Receives the block's channels of the gradients of the inputs.</param>
    /// <param name="images">How many images.</param>
    /// <param name="adds">Whether to add to what is there.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats.</param>
    public void BackwardInputOfBlock(int block, float* paddedGradient, float* weights, float* gradient, int images, bool adds,
        float* scratch)
    {
        if (!adds && SomePixelsMeetNoWeights)
        {
            var (first, channels) = Block(block, _shape.Inputs);
            for (var pixel = 0L; pixel < images * _shape.InputLength; pixel += _shape.Inputs)
                NativeBuffer.Clear(gradient + pixel + first, channels);
        }
        foreach (var phase in _phases)
        {
            var maps = BackwardMaps(phase, paddedGradient, gradient);
            foreach (var slice in phase.Slices)
            {
                PackInputs(phase, block, slice, weights, scratch);
                Multiply(phase.MicroKernel, block, slice, maps, 0, maps.Height, scratch, images, adds || slice != phase.Slices[0]);
            }
        }
    }
}
