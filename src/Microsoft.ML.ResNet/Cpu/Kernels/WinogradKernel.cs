using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// A 3x3 convolution of stride 1 and its gradients with 16 products where <see cref="ConvolutionKernel"/> needs 36
/// (<see cref="WinogradTransforms"/>): windows of 4x4 pixels become sixteen places, each of which is a 1x1 convolution of its own, and what
/// comes out of them becomes 2x2 pixels. The gradient of the weights is gathered in places too, and brought to weights once for the whole
/// batch.
/// </summary>
/// <remarks>Windows go by in panels that stay in a cache through the three steps.</remarks>
internal sealed unsafe class WinogradKernel : ConvolutionKernel
{
    private const int Places = WinogradTransforms.Places;
    private const int PanelFloats = 1024; // of a place, on the way of a convolution: sixteen places come and go in the cache
    private const int SumPanelFloats = 4096; // the same for the gradient of the weights: sums that are worth their way to memory and back

    private readonly ConvolutionShape _shape;
    private readonly NativeBuffer _places; // of the weights: each by block of outputs, inputs x channels of the block
    private readonly NativeBuffer _turnedPlaces; // of the turned weights: each by block of inputs, outputs x channels of the block

    /// <param name="shape">A shape that this kernel <see cref="Computes"/>.</param>
    public WinogradKernel(ConvolutionShape shape)
        : base(shape)
    {
        _shape = shape;
        _places = new NativeBuffer(Places * Pairs);
        _turnedPlaces = new NativeBuffer(Places * Pairs);
    }

    /// <summary>Whether a convolution can be computed so.</summary>
    public static bool Computes(ConvolutionShape shape)
        => shape.Size == 3 && shape.Stride == 1 && !shape.IsWide && shape.Inputs % 16 == 0 && shape.Outputs % 16 == 0
            && shape.Height % 2 == 0 && shape.Width % 2 == 0;

    /// <inheritdoc/>
    public override int SumsLength => Places * Pairs;

    /// <inheritdoc/>
    public override int ScratchLength
        // 16: whole tiles are read
        => Places * (WinogradTransforms.PlaceLength(Panel(SumPanelFloats), _shape.Inputs)
            + WinogradTransforms.PlaceLength(Panel(SumPanelFloats), _shape.Outputs)) + 16 * Math.Max(_shape.Inputs, _shape.Outputs);

    private int Pairs => _shape.Inputs * _shape.Outputs;

    private int Windows => _shape.Height / 2 * (_shape.Width / 2);

    /// <inheritdoc/>
    public override void Pack(float* weights)
    {
        base.Pack(weights);
        ToPlaces(PackedWeights, _shape.Inputs, _shape.Outputs, _places.Pointer);
        ToPlaces(TurnedWeights, _shape.Outputs, _shape.Inputs, _turnedPlaces.Pointer);
    }

    /// <inheritdoc/>
    public override void Forward(float* padded, float* output, int images, float* scratch)
    {
        for (var image = 0; image < images; image++)
            Convolve(padded + (nint)image * PaddedInputLength, _shape.Inputs, _places.Pointer, output + (nint)image * _shape.OutputLength,
                _shape.Outputs, scratch, adds: false);
    }

    /// <inheritdoc/>
    public override void BackwardInput(float* paddedGradient, float* gradient, int images, bool adds, float* scratch)
    {
        for (var image = 0; image < images; image++)
            Convolve(paddedGradient + (nint)image * PaddedGradientLength, _shape.Outputs, _turnedPlaces.Pointer,
                gradient + (nint)image * _shape.InputLength, _shape.Inputs, scratch, adds);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void BackwardWeights(float* padded, float* paddedGradient, float* sums, float* scratch)
    {
        var panel = Panel(SumPanelFloats);
        int inputPlace = WinogradTransforms.PlaceLength(panel, _shape.Inputs),
            gradientPlace = WinogradTransforms.PlaceLength(panel, _shape.Outputs);
        var gradients = scratch + Places * inputPlace;
        for (var first = 0; first < Windows; first += panel)
        {
            var count = Math.Min(panel, Windows - first);
            ReadWindows(padded, _shape.Inputs, first, count, scratch, inputPlace);
            ReadGradients(paddedGradient, first, count, gradients, gradientPlace);
            var sweep = new WeightGradientMicroKernel(0, _shape.Inputs, 0, _shape.Outputs, count);
            for (var place = 0; place < Places; place++)
                for (var block = 0; block < ConvolutionMicroKernel.BlocksOf(_shape.Outputs); block++)
                {
                    var (output, channels) = Block(block, _shape.Outputs);
                    sweep.Add(scratch + place * inputPlace, gradients + place * gradientPlace + output, new(1, 0, 0, 1), _shape.Inputs,
                        channels, sums + _shape.Inputs * (Places * output + place * channels));
                }
        }
    }

    /// <inheritdoc/>
    public override void Unpack(int block, float* sums, float* gradient)
    {
        var (output, channels) = Block(block, _shape.Outputs);
        sums += _shape.Inputs * Places * output;
        var length = _shape.Inputs * channels;
        for (var i = 0; i < length; i += 16)
            WinogradTransforms.WeightsGradient(sums + i, length, sums + i, length);
        Unpack(output, channels, sums, gradient);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _places.Dispose();
        _turnedPlaces.Dispose();
    }

    private void Convolve(float* padded, int inputs, float* weights, float* output, int outputs, float* scratch, bool adds)
    {
        var panel = Panel(PanelFloats);
        int inputPlace = WinogradTransforms.PlaceLength(panel, inputs), outputPlace = WinogradTransforms.PlaceLength(panel, outputs);
        var products = scratch + Places * inputPlace;
        for (var first = 0; first < Windows; first += panel)
        {
            var count = Math.Min(panel, Windows - first);
            ReadWindows(padded, inputs, first, count, scratch, inputPlace);
            for (var place = 0; place < Places; place++)
                ConvolutionMicroKernel.Multiply(scratch + place * inputPlace, count, inputs, weights + place * Pairs, outputs,
                    products + place * outputPlace);
            WriteWindows(products, outputPlace, outputs, first, count, output, adds);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadWindows(float* padded, int channels, int first, int count, float* places, int place)
    {
        nint row = (_shape.Width + 2) * channels;
        var walk = Walk(first, channels, row);
        for (var window = 0; window < count; window++, places += channels)
        {
            var pixels = padded + walk.Next();
            for (var channel = 0; channel < channels; channel += 16)
                WinogradTransforms.Input(pixels + channel, row, channels, places + channel, place);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadGradients(float* paddedGradient, int first, int count, float* places, int place)
    {
        var channels = _shape.Outputs;
        nint row = (_shape.Width + 2) * channels;
        var walk = Walk(first, channels, row);
        for (var window = 0; window < count; window++, places += channels)
        {
            var pixels = paddedGradient + row + channels + walk.Next();
            for (var channel = 0; channel < channels; channel += 16)
                WinogradTransforms.OutputGradient(pixels + channel, row, channels, places + channel, place);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void WriteWindows(float* places, int place, int channels, int first, int count, float* output, bool adds)
    {
        nint row = _shape.Width * channels;
        var walk = Walk(first, channels, row);
        for (var window = 0; window < count; window++, places += channels)
        {
            var pixels = output + walk.Next();
            for (var channel = 0; channel < channels; channel += 16)
            {
                var (p, q, r, s) = WinogradTransforms.Output(places + channel, place);
                var pixel = pixels + channel;
                if (adds)
                {
                    (p, q) = (p + Vector512.Load(pixel), q + Vector512.Load(pixel + channels));
                    (r, s) = (r + Vector512.Load(pixel + row), s + Vector512.Load(pixel + row + channels));
                }
                p.Store(pixel);
                q.Store(pixel + channels);
                r.Store(pixel + row);
                s.Store(pixel + row + channels);
            }
        }
    }

    private WinogradTileCursor Walk(int first, int channels, nint row)
        => new(_shape.Width / 2, _shape.Height / 2, channels, row, image: 0, first);

    private static void ToPlaces(float* packed, int inputs, int outputs, float* places)
    {
        for (var block = 0; block < ConvolutionMicroKernel.BlocksOf(outputs); block++)
        {
            var (output, channels) = Block(block, outputs);
            var length = inputs * channels;
            for (var i = 0; i < length; i += 16)
                WinogradTransforms.Weights(packed + 9 * inputs * output + i, length, places + inputs * output + i, inputs * outputs);
        }
    }

    // A multiple of 16, as the kernels compute whole tiles.
    private int Panel(int floats)
        => Math.Min((Windows + 15) / 16 * 16, Math.Max(16, floats / Math.Max(_shape.Inputs, _shape.Outputs) / 16 * 16));
}
