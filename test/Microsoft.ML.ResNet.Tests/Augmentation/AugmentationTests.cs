using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
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
            shifts.Add(Assert.ContainsSingle(Shifts(2).Where(shift => IsShifted(before, after, image, shift)),
                $"image {image} is one shift of the original"));
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
    [DataRow(2)]
    [DataRow(6)] // shifts beyond the image: nothing of it is left
    public void Bytes_in_memory_become_what_tensor_operations_make_of_them(int padding)
    {
        using var scope = NewDisposeScope();
        var images = Images();
        var elsewhere = images.transpose(2, 3).contiguous().transpose(2, 3); // the same images, but not row by row
        var normalization = new Normalization([0.1f, 0.5f, 0.9f], [0.2f, 0.3f, 0.4f]);
        Assert.IsTrue(PlanarBytes.AreIn(images));
        Assert.IsFalse(PlanarBytes.AreIn(elsewhere));

        foreach (var augmentation in new ImageAugmentation[] { new RandomCrop(padding), new HorizontalFlip(),
            new HorizontalFlip { Alternating = true } })
            Assert.IsTrue(augmentation.Apply(images, Context(1)).equal(augmentation.Apply(elsewhere, Context(1))).all()
                .item<bool>(), $"{augmentation}");
        var (atOnce, byOperations) = (normalization.Apply(images), normalization.Apply(elsewhere));
        Assert.IsTrue(atOnce.equal(byOperations).all().item<bool>());
        CollectionAssert.AreEqual(byOperations.stride(), atOnce.stride());
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
        policy.Apply(images, Context(1)).Dispose();
        AugmentationPolicy.None.Apply(images, Context(1)).Dispose();
        census.AssertNoSurvivors();

        CollectionAssert.AreEqual(original, images.bytes.ToArray());
    }

    [TestMethod]
    public void The_same_random_numbers_give_the_same_images()
    {
        AugmentationPolicy policy = [new RandomCrop(2), new HorizontalFlip()];
        using var images = Images();
        using var first = policy.Apply(images, Context(3));
        using var second = policy.Apply(images, Context(3));
        using var other = policy.Apply(images, Context(4));

        CollectionAssert.AreEqual(first.contiguous().bytes.ToArray(), second.contiguous().bytes.ToArray());
        CollectionAssert.AreNotEqual(first.contiguous().bytes.ToArray(), other.contiguous().bytes.ToArray());
    }

    [TestMethod]
    public void Flips_in_turns_show_every_image_both_ways_in_two_epochs()
    {
        var flip = new HorizontalFlip { Alternating = true };
        using var images = Images();
        using var even = flip.Apply(images, Context(1, epoch: 4));
        using var odd = flip.Apply(images, Context(2, epoch: 5));
        using var evenAgain = flip.Apply(images, Context(3, epoch: 6));
        using var mirrored = odd.flip(3);

        CollectionAssert.AreEqual(even.contiguous().bytes.ToArray(), mirrored.contiguous().bytes.ToArray());
        CollectionAssert.AreEqual(even.contiguous().bytes.ToArray(), evenAgain.contiguous().bytes.ToArray());
        CollectionAssert.AreNotEqual(even.contiguous().bytes.ToArray(), images.bytes.ToArray());
        CollectionAssert.AreNotEqual(odd.contiguous().bytes.ToArray(), images.bytes.ToArray());
    }

    [TestMethod]
    public void Cutout_covers_one_square_with_the_mean_colour()
    {
        var (before, after) = Apply(new Cutout(3));

        var centres = new HashSet<(int, int)>();
        for (var image = 0; image < Count; image++)
            centres.Add(Assert.ContainsSingle(
                Enumerable.Range(0, Height).SelectMany(y => Enumerable.Range(0, Width).Select(x => (y, x)))
                    .Where(centre => Pixels().All(p =>
                    after[image, p.C, p.Y, p.X] == (Math.Abs(p.Y - centre.y) <= 1 && Math.Abs(p.X - centre.x) <= 1
                        ? (byte)(p.C + 1)
                        : before[image, p.C, p.Y, p.X]))),
                $"image {image} has one covered square"));
        Assert.HasCount(Height * Width, centres, "every centre occurs");
    }

    [TestMethod]
    public void Colours_jitter_by_torchvisions_formulas()
    {
        foreach (var (jitter, formula) in new (ColorJitter, Func<double[], double, double, int, double>)[]
        {
            (new ColorJitter { Brightness = 0.4 }, (rgb, factor, _, c) => rgb[c] * factor),
            (new ColorJitter { Contrast = 0.4 }, (rgb, factor, mean, c) => Math.Round(mean) + (rgb[c] - Math.Round(mean)) * factor),
            (new ColorJitter { Saturation = 0.4 }, (rgb, factor, _, c) => Grey(rgb) + (rgb[c] - Grey(rgb)) * factor),
        })
        {
            var (before, after) = Apply(jitter);
            var random = new Random(1);
            for (var image = 0; image < Count; image++)
            {
                var factor = 1 + 0.4 * (2 * random.NextDouble() - 1);
                double[] Rgb(int y, int x) => [before[image, 0, y, x], before[image, 1, y, x], before[image, 2, y, x]];
                var mean = Pixels().Where(p => p.C == 0).Average(p => Grey(Rgb(p.Y, p.X)));
                foreach (var (c, y, x) in Pixels())
                    Assert.AreEqual(Math.Clamp(formula(Rgb(y, x), factor, mean, c), 0, 255), after[image, c, y, x], 0.51,
                        $"{jitter}: image {image}");
            }
        }

        static double Grey(double[] rgb) => 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
    }

    // Means of 1, 2 and 3 grey levels, so that a covered pixel is told from every other.
    private static AugmentationContext Context(int seed, int epoch = 0)
        => new(Seed: 7, epoch, [.. Enumerable.Range(0, Count).Select(row => (long)row)],
            new Normalization([1 / 255f, 2 / 255f, 3 / 255f], [1, 1, 1]), new Random(seed));

    private static (byte[,,,] Before, byte[,,,] After) Apply(ImageAugmentation augmentation)
    {
        using var images = Images();
        using var result = augmentation.Apply(images, Context(1));
        using var packed = result.contiguous();
        CollectionAssert.AreEqual(new long[] { Count, Channels, Height, Width }, packed.shape);
        Assert.AreEqual(ScalarType.Byte, packed.dtype);
        return (ToArray(images), ToArray(packed));
    }

    // Values from 4, so that black and the mean colours are told from every pixel.
    private static Tensor Images()
    {
        var random = new Random(9);
        return tensor(Enumerable.Range(0, Count * Channels * Height * Width).Select(_ => (byte)random.Next(4, 256))
            .ToArray(), [Count, Channels, Height, Width]);
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
        => Enumerable.Range(0, Channels)
            .SelectMany(c => Enumerable.Range(0, Height).SelectMany(y => Enumerable.Range(0, Width).Select(x => (c, y, x))));
}
