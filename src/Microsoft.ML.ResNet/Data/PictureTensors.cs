using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Data;

/// <summary>Makes images of another shape of the images of a tensor, one by one, in this machine's memory.</summary>
internal static class PictureTensors
{
    /// <summary>Makes one image.</summary>
    /// <param name="index">Its place in the batch.</param>
    /// <param name="picture">The picture, planar.</param>
    /// <param name="shape">The picture's shape.</param>
    /// <param name="image">Receives the image, planar.</param>
    public delegate void Work(int index, ReadOnlySpan<byte> picture, ImageShape shape, Span<byte> image);

    /// <summary>Makes the images of a batch.</summary>
    /// <param name="pictures">uint8, (N, C, H, W), on any device.</param>
    /// <param name="shape">The shape of the images; as many channels.</param>
    /// <param name="work">Makes one of them; called in the order of the batch.</param>
    /// <returns>uint8, (N, channels, height, width), on the device of the pictures; the caller owns it.</returns>
    public static Tensor Map(Tensor pictures, ImageShape shape, Work work)
    {
        using var scope = NewDisposeScope();
        var source = pictures.cpu().contiguous();
        var kept = new ImageShape((int)source.shape[1], (int)source.shape[2], (int)source.shape[3]);
        var images = empty([source.shape[0], shape.Channels, shape.Height, shape.Width], ScalarType.Byte);
        for (var index = 0; index < source.shape[0]; index++)
        {
            using var picture = source.narrow(0, index, 1); // Tensor.bytes reaches 2 GiB at most
            using var image = images.narrow(0, index, 1);
            work(index, picture.bytes, kept, image.bytes);
        }
        return (pictures.device_type == DeviceType.CPU ? images : images.to(pictures.device)).MoveToOuterDisposeScope();
    }
}
