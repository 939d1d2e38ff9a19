using System.Globalization;
using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Images;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Cuts a random part out of every picture, of random size and shape, and resizes it to the network's image: Inception's crop, with the
/// algorithm and the parameters of torchvision's <c>RandomResizedCrop</c>. For photos.
/// </summary>
/// <remarks>
/// Pictures with a size of their own (encoded files, <c>MLImage</c>) are then kept whole for training, squashed to
/// <see cref="KeptSize"/> times the network's image in each direction, with their aspect ratio beside them, so that the part is drawn from
/// the picture as it was. Images that come as vectors of pixels are cropped as they are. Validation and scoring take the part that
/// <see cref="ResNetTrainer.Options.ImageGeometry"/> says.
/// </remarks>
public sealed record RandomResizedCrop : ImageAugmentation
{
    private const int Tries = 10;

    /// <summary>The smallest part, as a part of the picture's area; above 0. The default is 0.08.</summary>
    public double SmallestArea { get; init; } = 0.08;

    /// <summary>The largest part, as a part of the picture's area; up to 1, which is the default.</summary>
    public double LargestArea { get; init; } = 1;

    /// <summary>The narrowest part: its width over its height; above 0. The default is 3/4.</summary>
    public double SmallestAspect { get; init; } = 3.0 / 4;

    /// <summary>The widest part: its width over its height. The default is 4/3.</summary>
    public double LargestAspect { get; init; } = 4.0 / 3;

    /// <summary>
    /// How many times larger than the network's image a picture is kept in each direction; 1 to 4. More keeps more detail for small parts,
    /// and takes memory, or room in the file of <see cref="ResNetTrainer.Options.ImageSpillDirectory"/>, by its square. The default is 1.5:
    /// 336 x 336 pixels, 331 KiB a picture, for images of 224 x 224.
    /// </summary>
    public double KeptSize { get; init; } = 1.5;

    /// <summary>The shape in which pictures are kept for images of a shape.</summary>
    internal ImageShape KeptFor(ImageShape shape)
        => new(shape.Channels, (int)Math.Round(shape.Height * KeptSize), (int)Math.Round(shape.Width * KeptSize));

    /// <inheritdoc/>
    internal override Tensor Apply(Tensor images, AugmentationContext context)
    {
        var pictures = context.Pictures;
        var shape = pictures?.Target.Shape ?? new ImageShape((int)images.shape[1], (int)images.shape[2], (int)images.shape[3]);
        var interpolation = pictures?.Target.Geometry.Interpolation ?? ImageInterpolation.Bilinear;
        var stored = new PictureSize((int)images.shape[2], (int)images.shape[3]);
        var boxes = context.Draw(images, place =>
        {
            var size = pictures?.Sizes[(int)context.Rows[place]] ?? stored;
            return Draw(size, context.Random).Scale(size, stored);
        });
        return PictureTensors.Map(images, shape,
            (index, picture, kept, image) => PlanarPicture.Crop(picture, kept, boxes[index], interpolation, shape, image));
    }

    /// <summary>Draws a part of a picture.</summary>
    internal PictureBox Draw(PictureSize picture, Random random)
    {
        var (height, width) = (picture.Height, picture.Width);
        for (var i = 0; i < Tries; i++)
        {
            var area = (double)height * width * Between(SmallestArea, LargestArea);
            var aspect = Math.Exp(Between(Math.Log(SmallestAspect), Math.Log(LargestAspect)));
            var (rows, columns) = ((int)Math.Round(Math.Sqrt(area / aspect)), (int)Math.Round(Math.Sqrt(area * aspect)));
            if (rows > 0 && rows <= height && columns > 0 && columns <= width)
                return new(random.Next(height - rows + 1), random.Next(width - columns + 1), rows, columns);
        }
        return Middle(height, width);

        double Between(double least, double most) => least + (most - least) * random.NextDouble();
    }

    // Where no part of the right shape was found: as much of the middle as the allowed shapes let.
    private PictureBox Middle(int height, int width)
    {
        var aspect = (double)width / height;
        var rows = aspect < SmallestAspect ? Math.Clamp((int)Math.Round(width / SmallestAspect), 1, height) : height;
        var columns = aspect > LargestAspect ? Math.Clamp((int)Math.Round(height * LargestAspect), 1, width) : width;
        return new((height - rows) / 2, (width - columns) / 2, rows, columns);
    }

    /// <inheritdoc/>
    internal override IEnumerable<string> Problems()
    {
        if (!(SmallestArea > 0 && SmallestArea <= LargestArea && LargestArea <= 1))
            yield return Print(
                $"RandomResizedCrop takes parts of {SmallestArea} to {LargestArea} of the area; expected numbers above 0 and ")
                + "up to 1, the smaller first.";
        if (!(SmallestAspect > 0 && SmallestAspect <= LargestAspect && double.IsFinite(LargestAspect)))
            yield return Print($"RandomResizedCrop takes aspect ratios of {SmallestAspect} to {LargestAspect}; expected numbers above 0, ")
                + "the smaller first.";
        if (KeptSize is not (>= 1 and <= 4))
            yield return Print($"RandomResizedCrop.KeptSize is {KeptSize}; it must be 1 to 4.");
    }

    /// <summary>As in <c>random resized crop(0.08 to 1)</c>.</summary>
    public override string ToString() => Print($"random resized crop({SmallestArea:g4} to {LargestArea:g4})");

    private static string Print(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
