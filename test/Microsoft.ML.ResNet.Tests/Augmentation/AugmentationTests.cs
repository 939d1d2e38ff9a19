using Microsoft.ML.ResNet.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Augmentation;

/// <summary>Each augmentation against its formula, restated pixel by pixel.</summary>
[TestClass]
public class AugmentationTests
{
    private const int Count = 200, Channels = 3, Height = 5, Width = 7;

    [TestMethod]
    public void Every_crop_is_the_image_shifted_over_black()
    {
        var (before, after) = Apply(new RandomCrop(2));

        var shifts = new HashSet<(int, int)>();
        for (var image = 0; image < Count; image++)
            shifts.Add(Assert.ContainsSingle(Shifts(2).Where(shift => IsShifted(before, after, image, shift)), $"image {image} is one shift of the original"));
        Assert.HasCount(25, shifts, "all shifts occur");
    }

    [TestMethod]
    public void About_half_of_the_images_are_flipped_and_the_others_untouched()
    {
        var (before, after) = Apply(new HorizontalFlip());

        var flipped = 0;
        for (var image = 0; image < Count; image++)
        {
            var isFlipped = Pixels().All(p => after[image, p.C, p.Y, p.X] == before[image, p.C, p.Y, Width - 1 - p.X]);
            Assert.IsTrue(isFlipped || Pixels().All(p => after[image, p.C, p.Y, p.X] == before[image, p.C, p.Y, p.X]), $"image {image}");
            flipped += isFlipped ? 1 : 0;
        }
        Assert.IsInRange(70, 130, flipped);
    }

    [TestMethod]
    public void A_policy_applies_its_parts_in_order_and_prints_itself()
    {
        AugmentationPolicy policy = [new RandomCrop(4), new HorizontalFlip()];

        Assert.AreEqual("crop(4) | flip", policy.ToString());
        Assert.AreEqual("none", AugmentationPolicy.None.ToString());
        Assert.AreEqual<AugmentationPolicy>([new RandomCrop(4), new HorizontalFlip()], policy);
        Assert.AreNotEqual<AugmentationPolicy>([new HorizontalFlip(), new RandomCrop(4)], policy);
    }

    [TestMethod]
    public void A_policy_leaves_its_input_untouched_and_no_tensor_behind()
    {
        using var images = Images();
        var original = images.bytes.ToArray();
        AugmentationPolicy policy = [new RandomCrop(1), new HorizontalFlip()];

        var census = TensorCensus.Start();
        policy.Apply(images, new Random(1)).Dispose();
        AugmentationPolicy.None.Apply(images, new Random(1)).Dispose();
        census.AssertNoSurvivors();

        CollectionAssert.AreEqual(original, images.bytes.ToArray());
    }

    [TestMethod]
    public void The_same_random_numbers_give_the_same_images()
    {
        AugmentationPolicy policy = [new RandomCrop(2), new HorizontalFlip()];
        using var images = Images();
        using var first = policy.Apply(images, new Random(3));
        using var second = policy.Apply(images, new Random(3));
        using var other = policy.Apply(images, new Random(4));

        CollectionAssert.AreEqual(first.contiguous().bytes.ToArray(), second.contiguous().bytes.ToArray());
        CollectionAssert.AreNotEqual(first.contiguous().bytes.ToArray(), other.contiguous().bytes.ToArray());
    }

    private static (byte[,,,] Before, byte[,,,] After) Apply(ResNet.Augmentation augmentation)
    {
        using var images = Images();
        using var result = augmentation.Apply(images, new Random(1));
        using var packed = result.contiguous();
        CollectionAssert.AreEqual(new long[] { Count, Channels, Height, Width }, packed.shape);
        Assert.AreEqual(ScalarType.Byte, packed.dtype);
        return (ToArray(images), ToArray(packed));
    }

    // Values from 1, so that black is told from every pixel.
    private static Tensor Images()
    {
        var random = new Random(9);
        return tensor(Enumerable.Range(0, Count * Channels * Height * Width).Select(_ => (byte)random.Next(1, 256)).ToArray(), [Count, Channels, Height, Width]);
    }

    private static byte[,,,] ToArray(Tensor images)
    {
        var array = new byte[Count, Channels, Height, Width];
        Buffer.BlockCopy(images.bytes.ToArray(), 0, array, 0, array.Length);
        return array;
    }

    private static bool IsShifted(byte[,,,] before, byte[,,,] after, int image, (int Y, int X) shift)
        => Pixels().All(p =>
        {
            var (y, x) = (p.Y + shift.Y, p.X + shift.X);
            var expected = y is >= 0 and < Height && x is >= 0 and < Width ? before[image, p.C, y, x] : 0;
            return after[image, p.C, p.Y, p.X] == expected;
        });

    private static IEnumerable<(int Y, int X)> Shifts(int most)
        => Enumerable.Range(-most, 2 * most + 1).SelectMany(y => Enumerable.Range(-most, 2 * most + 1).Select(x => (y, x)));

    private static IEnumerable<(int C, int Y, int X)> Pixels()
        => Enumerable.Range(0, Channels).SelectMany(c => Enumerable.Range(0, Height).SelectMany(y => Enumerable.Range(0, Width).Select(x => (c, y, x))));
}
