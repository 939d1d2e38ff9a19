using Microsoft.ML.ResNet.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Cpu.Training;

/// <content>Networks of other widths than multiples of 16, which are computed with channels of zeros behind their own.</content>
internal sealed unsafe partial class TrainingNetwork
{
    private readonly WidenedParameters? _widened; // the parameters, where there are such channels
    private readonly int _imageChannels; // there: of the images that are given
    private readonly NativeBuffer _widenedImages = new(); // these
    private readonly NativeBuffer _widenedFeatures = new(); // gradients of features

    // Gradients of features, with zeros behind those of each image.
    private float* Widened(float* features)
        => Widened(features, _count, FeatureWidth, _blocks[^1].OutputChannels, _widenedFeatures);

    // Images are as they are, and what frozen stages deliver has zeros behind the channels of each pixel.
    private float* WidenedImages(float* images)
    {
        var shape = _blocks[0].Chain[0].Shape;
        return shape.Inputs == _imageChannels
            ? images
            : Widened(images, checked(_count * shape.Height * shape.Width), _imageChannels, shape.Inputs, _widenedImages);
    }

    private static float* Widened(float* rows, int count, int width, int widenedWidth, NativeBuffer target)
    {
        target.EnsureLength((long)count * widenedWidth);
        NativeBuffer.Clear(target.Pointer, (long)count * widenedWidth);
        for (var row = 0; row < count; row++)
            NativeBuffer.Copy(rows + (nint)row * width, target.Pointer + (nint)row * widenedWidth, width);
        return target.Pointer;
    }
}
