using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Augmentation;

/// <summary>The random crop of photos, against torchvision's distribution and against pictures whose pixels tell where they were.</summary>
[TestClass]
public sealed class RandomResizedCropTests
{
    private static readonly Normalization Unchanged = new([0f, 0f, 0f], [1f, 1f, 1f]);

    // torchvision 0.14.1, RandomResizedCrop.get_params of a picture of 500 x 375, 20,000 times after torch.manual_seed(0).
    [TestMethod]
    public void Parts_are_distributed_as_torchvision_draws_them()
    {
        var random = new Random(1);
        var boxes = Enumerable.Range(0, 20_000).Select(_ => new RandomResizedCrop().Draw(new(375, 500), random)).ToList();

        Assert.IsTrue(boxes.All(box => box.Top >= 0 && box.Left >= 0 && box.Top + box.Height <= 375 && box.Left + box.Width <= 500));
        var areas = boxes.Select(box => (double)box.Height * box.Width / (375 * 500)).ToList();
        var aspects = boxes.Select(box => Math.Log((double)box.Width / box.Height)).ToList();
        Assert.AreEqual(0.4348, areas.Average(), 0.006);
        Assert.AreEqual(0.2159, Deviation(areas), 0.004);
        Assert.AreEqual(0.0315, aspects.Average(), 0.005);
        Assert.AreEqual(0.1635, Deviation(aspects), 0.004);
        Assert.AreEqual(167, Quantile(boxes.Select(box => box.Height), 0.1), 5);
        Assert.AreEqual(280, Quantile(boxes.Select(box => box.Height), 0.5), 5);
        Assert.AreEqual(358, Quantile(boxes.Select(box => box.Height), 0.9), 5);
        Assert.AreEqual(402, Quantile(boxes.Select(box => box.Width), 0.9), 5);
        Assert.AreEqual(0.4827, boxes.Average(box => (double)box.Top / (375 - box.Height + 1)), 0.01);
        Assert.AreEqual(0.4958, boxes.Average(box => (double)box.Left / (500 - box.Width + 1)), 0.01);
    }

    [TestMethod]
    [DataRow(1000, 100, 0, 433, 100, 133)] // torchvision's answers
    [DataRow(100, 1000, 433, 0, 133, 100)]
    [DataRow(1, 1, 0, 0, 1, 1)]
    public void A_picture_without_such_a_part_gives_its_middle(int width, int height, int top, int left, int rows, int columns)
        => Assert.AreEqual(new PictureBox(top, left, rows, columns),
            new RandomResizedCrop { SmallestArea = 0.9 }.Draw(new(height, width), new Random(3)));

    [TestMethod]
    public void Squashed_pictures_give_the_parts_of_the_pictures_that_they_were()
    {
        // The red of a pixel is its row in the picture, its green the column, both from 0 to 255; squashed, they still are.
        using var scope = NewDisposeScope();
        const int Side = 96;
        var kept = new byte[3 * Side * Side];
        for (var pixel = 0; pixel < Side * Side; pixel++)
        {
            kept[pixel] = (byte)(255.0 * (pixel / Side + 0.5) / Side);
            kept[Side * Side + pixel] = (byte)(255.0 * (pixel % Side + 0.5) / Side);
        }
        var picture = new PictureSize(300, 900);
        var pictures = new WholePictures([.. Enumerable.Repeat(picture, 16)], new(new(3, 64, 64), ImageGeometry.CenterCrop));
        var images = new RandomResizedCrop().Apply(tensor(kept, [1, 3, Side, Side]).repeat(16, 1, 1, 1),
            Context(seed: 7, rows: 16, pictures));

        CollectionAssert.AreEqual(new long[] { 16, 3, 64, 64 }, images.shape);
        var random = new Random(7);
        for (var image = 0; image < 16; image++)
        {
            var box = new RandomResizedCrop().Draw(picture, random);
            Assert.IsTrue((double)box.Width / box.Height is > 0.73 and < 1.36, "the shape of the part in the picture, not in the square");
            Assert.AreEqual(255.0 * (box.Top + box.Height / 2.0) / 300, Mean(images[image, 0]), 4, $"row of image {image}");
            Assert.AreEqual(255.0 * (box.Left + box.Width / 2.0) / 900, Mean(images[image, 1]), 4, $"column of image {image}");
            Assert.AreEqual(0, Mean(images[image, 2]));
        }
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(4)]
    public void Images_that_are_vectors_of_pixels_are_cropped_as_they_are(int channels)
    {
        using var scope = NewDisposeScope();
        var images = full([3, channels, 20, 24], 99, ScalarType.Byte);
        var crops = new RandomResizedCrop().Apply(images, Context(seed: 1, rows: 3, pictures: null));

        CollectionAssert.AreEqual(images.shape, crops.shape);
        Assert.AreEqual(99, crops.min().ToInt32());
        Assert.AreEqual(99, crops.max().ToInt32());
    }

    [TestMethod]
    public void Nothing_survives_but_the_result()
    {
        using var images = full([4, 3, 20, 24], 99, ScalarType.Byte);
        var census = TensorCensus.Start();
        new RandomResizedCrop().Apply(images, Context(seed: 1, rows: 4, pictures: null)).Dispose();
        census.AssertNoSurvivors();
    }

    [TestMethod]
    public void The_usual_augmentation_goes_by_the_size_of_images()
    {
        Assert.AreEqual("random resized crop(0.08 to 1) | flip", AugmentationPolicy.Auto.For(new(3, 224, 224)).ToString());
        Assert.AreEqual("crop(4) | flip", AugmentationPolicy.Auto.For(new(3, 32, 224)).ToString());
        Assert.AreEqual(AugmentationPolicy.None, AugmentationPolicy.None.For(new(3, 224, 224)));
        Assert.AreNotEqual(AugmentationPolicy.None, AugmentationPolicy.Auto);
        Assert.AreEqual(new ImageShape(3, 336, 336), AugmentationPolicy.Auto.KeptFor(new(3, 224, 224)));
        Assert.IsNull(AugmentationPolicy.Auto.KeptFor(new(3, 32, 32)));
    }

    [TestMethod]
    public void Impossible_parameters_are_named()
    {
        foreach (var crop in (RandomResizedCrop[])[new() { SmallestArea = 0 }, new() { LargestArea = 1.1 },
            new() { SmallestArea = 0.9, LargestArea = 0.5 },
            new() { SmallestAspect = 0 }, new() { LargestAspect = 0.5 }, new() { KeptSize = 0.5 }, new() { KeptSize = double.NaN }])
            Assert.HasCount(1, crop.Problems().ToList());
    }

    private static AugmentationContext Context(int seed, int rows, WholePictures? pictures)
        => new(Seed: 1, Epoch: 0, [.. Enumerable.Range(0, rows).Select(row => (long)row)], Unchanged, new Random(seed))
        {
            Pictures = pictures,
        };

    private static double Mean(Tensor plane) => plane.to_type(ScalarType.Float64).mean().ToDouble();

    private static double Deviation(List<double> values) => Math.Sqrt(values.Average(value => Math.Pow(value - values.Average(), 2)));

    private static double Quantile(IEnumerable<int> values, double part)
    {
        var ordered = values.Order().ToList();
        return ordered[(int)(part * ordered.Count)];
    }
}
