using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Training;

/// <content>
/// The batch normalisation behind the convolution: the statistics of the batch, and how the output is read and its gradient masked.
/// </content>
internal sealed unsafe partial class TrainingConvolution
{
    /// <summary>How the output is normalised; known after <see cref="EndForward"/>.</summary>
    public ChannelNorm Norm => new(Mean, Scale, Shift);

    private bool HasNorm => _step.Norm is not null;

    private int Pixels => Shape.OutputHeight * Shape.OutputWidth;

    private float* Mean => _figures.Pointer;

    private float* Scale => _figures.Pointer + Shape.Outputs;

    private float* Shift => _figures.Pointer + 2 * Shape.Outputs;

    private float* Slope => _figures.Pointer + 3 * Shape.Outputs;

    private float* Offset => _figures.Pointer + 4 * Shape.Outputs;

    /// <summary>Measures the outputs of some images of a shard, after those before them.</summary>
    public void Measure(int first, int images, int shard)
    {
        if (!HasNorm)
            return;
        fixed (double* sums = &_moments[shard * 2 * Shape.Outputs])
            for (var image = first; image < first + images; image++, _pixelsOfShard[shard] += Pixels)
                ChannelKernels.AddMoments(Output(image), Pixels, Shape.Outputs, _pixelsOfShard[shard], sums, sums + Shape.Outputs);
    }

    /// <summary>Learns the statistics of the batch, and moves the running ones.</summary>
    public void EndForward()
    {
        if (!HasNorm)
        {
            for (var channel = 0; channel < Shape.Outputs; channel++)
                (Mean[channel], Scale[channel], Shift[channel]) = (-BiasOf(channel), 1, 0);
            return;
        }
        _shards.Complete(_moments);
        for (var shard = 0; shard < _pixelsOfShard.Length; shard++)
            _pixelsOfShard[shard] = (long)(_shards.FirstImage(_images, shard + 1) - _shards.FirstImage(_images, shard)) * Pixels;
        for (var channel = 0; channel < Shape.Outputs; channel++)
        {
            var (mean, squares, count) = MomentsOf(channel);
            var variance = squares / count;
            _runningMean[channel] = Moved(_runningMean[channel], mean + BiasOf(channel));
            _runningVariance[channel] = Moved(_runningVariance[channel], squares / (count - 1));
            _deviations[channel] = Math.Sqrt(variance + BatchNormalization.Epsilon);
            Mean[channel] = (float)mean;
            Scale[channel] = (float)(_normWeight[channel] / _deviations[channel]);
            Shift[channel] = _normBias[channel];
        }
        Array.Clear(_moments); // from here on: sums of gradients
    }

    /// <summary>
    /// Masks the gradient of this layer's normalised and rectified output, and gathers what the gradient through the normalisation needs.
    /// </summary>
    public void MaskByNorm(float* gradient, int image, int shard)
    {
        fixed (double* sums = &_moments[shard * 2 * Shape.Outputs])
            ChannelKernels.MaskByNorm(gradient, Output(image), Pixels, Shape.Outputs, Norm, sums, sums + Shape.Outputs);
    }

    /// <summary>
    /// Masks the gradient of a sum of this layer's normalised output and another, once rectified, and gathers what the gradient through the
    /// normalisation needs.
    /// </summary>
    public void MaskByOutput(float* gradient, float* output, int image, int shard)
    {
        fixed (double* sums = &_moments[shard * 2 * Shape.Outputs])
            ChannelKernels.MaskByOutput(gradient, output, Output(image), Pixels, Shape.Outputs, Norm, sums, sums + Shape.Outputs);
    }

    /// <summary>Gathers what the gradient through the normalisation needs, from the gradient of the normalised output.</summary>
    public void AddSums(float* gradient, int image, int shard)
    {
        fixed (double* sums = &_moments[shard * 2 * Shape.Outputs])
            ChannelKernels.AddSums(gradient, Output(image), Pixels, Shape.Outputs, Norm, sums, sums + Shape.Outputs);
    }

    /// <summary>
    /// Adds up what was gathered: the gradients of the normalisation's weights, or else of the bias, and how gradients go through it.
    /// </summary>
    public void BeginBackward()
    {
        _shards.Complete(_moments);
        var count = (double)_images * Pixels;
        for (var channel = 0; channel < Shape.Outputs; channel++)
        {
            var (sum, product) = (0.0, 0.0);
            for (var shard = 0; shard < _shards.Shards; shard++)
            {
                sum += _moments[shard * 2 * Shape.Outputs + channel];
                product += _moments[(shard * 2 + 1) * Shape.Outputs + channel];
            }
            if (!HasNorm)
            {
                (Slope[channel], Offset[channel]) = (0, 0);
                if (_biasGradient is not null)
                    _biasGradient[channel] += (float)sum;
                continue;
            }
            _normWeightGradient[channel] += (float)(product / _deviations[channel]);
            _normBiasGradient[channel] += (float)sum;
            Slope[channel] = (float)(-Scale[channel] * product / (_deviations[channel] * _deviations[channel] * count));
            Offset[channel] = (float)(-Scale[channel] * sum / count);
        }
    }

    /// <summary>
    /// Brings the gradient of an image's normalised output through the normalisation, into a scratch image with a border.
    /// </summary>
    public void LoadGradient(float* gradient, int image, float* padded)
    {
        var (rowLength, border) = (Shape.OutputWidth * Shape.Outputs, Shape.Padding * Shape.Outputs);
        var norm = new ChannelNormGradient(Mean, Scale, Slope, Offset);
        var output = Output(image);
        padded = PaddedImage.ClearBorder(padded, Shape.OutputHeight, rowLength, Shape.Padding, border);
        for (var row = 0; row < Shape.OutputHeight; row++, padded += rowLength + 2 * border, gradient += rowLength, output += rowLength)
            ChannelKernels.NormGradient(gradient, output, Shape.OutputWidth, Shape.Outputs, norm, padded);
    }

    /// <summary>
    /// Brings this layer's normalised and rectified output into a scratch image with a border, as the next layer's input.
    /// </summary>
    public void LoadOutput(int image, float* padded, int padding)
    {
        var (rowLength, border) = (Shape.OutputWidth * Shape.Outputs, padding * Shape.Outputs);
        var output = Output(image);
        padded = PaddedImage.ClearBorder(padded, Shape.OutputHeight, rowLength, padding, border);
        for (var row = 0; row < Shape.OutputHeight; row++, padded += rowLength + 2 * border, output += rowLength)
            ChannelKernels.NormalizeRelu(output, Shape.OutputWidth, Shape.Outputs, Norm, padded);
    }

    private float BiasOf(int channel) => _bias is null ? 0 : _bias[channel];

    private static float Moved(float running, double batch)
        => (float)((1 - BatchNormalization.Momentum) * running + BatchNormalization.Momentum * batch);

    private (double Mean, double Squares, long Count) MomentsOf(int channel)
    {
        var (mean, squares, count) = (0.0, 0.0, 0L);
        for (var shard = 0; shard < _pixelsOfShard.Length; shard++)
        {
            var added = _pixelsOfShard[shard];
            if (added == 0)
                continue;
            var difference = _moments[shard * 2 * Shape.Outputs + channel] - mean;
            mean += difference * added / (count + added);
            squares += _moments[(shard * 2 + 1) * Shape.Outputs + channel] + difference * difference * count * added / (count + added);
            count += added;
        }
        return (mean, squares, count);
    }
}
