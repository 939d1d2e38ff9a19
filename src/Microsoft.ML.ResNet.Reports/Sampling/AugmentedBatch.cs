using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Images.Columns;
using Microsoft.ML.ResNet.Network;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Reports.Sampling;

/// <summary>An image as training sees it.</summary>
/// <param name="Label">What it is; of a mixture, what each part is.</param>
/// <param name="Pixels">The image, planar.</param>
internal sealed record LabeledPicture(string Label, ReadOnlyMemory<byte> Pixels);

/// <summary>What a training batch looks like after augmentation, made by the code that trains.</summary>
/// <param name="Shape">The shape of the images.</param>
/// <param name="Geometry">How pictures become that where nothing random is done.</param>
/// <param name="Augmentation">Random changes.</param>
/// <param name="Mix">How images are mixed; <see langword="null"/> for not at all.</param>
/// <param name="Normalization">Mean and deviation of the channels, for changes that need them.</param>
internal sealed record AugmentedBatch(ImageShape Shape, ImageGeometry Geometry, AugmentationPolicy Augmentation, ImageMix? Mix,
    Normalization Normalization)
{
    /// <summary>Where the channels of a pixel lie in a vector.</summary>
    public PixelLayout Layout { get; init; } = PixelLayout.Auto;

    /// <summary>Which channel comes first in a vector.</summary>
    public ChannelOrder Order { get; init; } = ChannelOrder.Rgb;

    /// <summary>The values of black and full pixels in vectors of numbers; <see langword="null"/> for 0 and 255.</summary>
    public PixelRange? Range { get; init; }

    /// <summary>Draws a batch.</summary>
    /// <param name="data">The training images.</param>
    /// <param name="imageColumn">Their column.</param>
    /// <param name="labelColumn">The column of their classes.</param>
    /// <param name="count">How many images.</param>
    /// <param name="seed">Decides which, and what is done to them.</param>
    /// <param name="cancellation">Is looked at before each picture.</param>
    public IReadOnlyList<LabeledPicture> Draw(IDataView data, string imageColumn, string labelColumn, int count, int seed,
        CancellationToken cancellation)
    {
        var images = data.Schema.GetColumnOrNull(imageColumn) ?? throw new ArgumentException($"There is no column '{imageColumn}'.");
        var kind = ImageColumnKind.Create(images.Type, new(Shape.Height, Shape.Width, Shape.Channels, Layout, Order, Range),
            out var problem)
            ?? throw new ArgumentException($"The column '{imageColumn}' is none of images: {problem}.");
        var policy = Augmentation.For(Shape);
        var kept = kind.HoldsPictures ? policy.KeptFor(Shape) : null;
        var pictures = SampledPictures.Read(data, images, kind, labelColumn, kept is { } whole ? new(whole, Geometry.Whole)
            : new(Shape, Geometry), count, seed, cancellation);
        if (pictures.Count == 0 || policy.Count == 0 && Mix is null)
            return [.. pictures.Select(picture => new LabeledPicture(picture.Label, picture.Pixels))];
        ResNetRuntime.EnsureStarted();
        using var scope = NewDisposeScope();
        return Apply(policy, pictures, kept, seed);
    }

    private LabeledPicture[] Apply(AugmentationPolicy policy, IReadOnlyList<SampledPicture> pictures, ImageShape? kept, int seed)
    {
        var stored = kept ?? Shape;
        var pixels = empty([pictures.Count, stored.Channels, stored.Height, stored.Width], ScalarType.Byte);
        foreach (var (index, picture) in pictures.Index())
            picture.Pixels.CopyTo(pixels.bytes[(index * stored.Size)..]);
        var changed = policy.Apply(pixels, new AugmentationContext(seed, 0, [.. Enumerable.Range(0, pictures.Count)], Normalization,
            new Random(Seeds.Derive(seed, 0, 0)))
        {
            Pictures = kept is null ? null : new WholePictures([.. pictures.Select(picture => picture.Size)], new(Shape, Geometry)),
        });
        var batch = new PixelBatch(changed, arange(pictures.Count, ScalarType.Int64), null); // the label of each row is its own number
        var mixed = Mix?.Apply(batch, new Random(Seeds.Derive(seed, 0, 0, 1))) ?? MixedBatch.Unmixed(batch);
        var bytes = mixed.Images.Pixels.contiguous().bytes.ToArray();
        var partners = mixed.PartnerLabels?.data<long>().ToArray();
        return [.. pictures.Select((picture, index) => new LabeledPicture(
            partners is null ? picture.Label : MixedLabel(picture.Label, pictures[(int)partners[index]].Label, mixed.Share),
            bytes.AsMemory(index * Shape.Size, Shape.Size)))];
    }

    private static string MixedLabel(string label, string partner, double share)
        => label == partner ? label : FormattableString.Invariant($"{100 * share:f0} % {label}, {100 * (1 - share):f0} % {partner}");
}
