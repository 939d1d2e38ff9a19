using FsCheck;
using FsCheck.Fluent;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Tests.Data;

/// <summary>Mean and deviation of channels.</summary>
[TestClass]
public sealed class ChannelStatisticsTests
{
    [TestMethod]
    public void Sums_give_what_the_definition_gives_for_any_size() =>
        Prop.ForAll(Gen.Choose(1, 3).ToArbitrary(), Gen.Choose(1, 70).ToArbitrary(), Gen.Choose(1, 9)
            .ToArbitrary(), (channels, height, images) =>
        {
            var shape = new ImageShape(channels, height, 7);
            var random = new Random(1000 * channels + 10 * height + images);
            var rows = Enumerable.Range(0, images).Select(_ => Noise(random, shape.Size)).ToList();
            var measured = Measure(shape, rows);
            for (var channel = 0; channel < channels; channel++)
            {
                var values = rows.SelectMany(row => row.Skip(channel * shape.PlaneSize).Take(shape.PlaneSize))
                    .Select(value => value / 255.0).ToList();
                var mean = values.Average();
                Assert.AreEqual(mean, measured.Mean[channel], 1e-6);
                Assert.AreEqual(Math.Sqrt(values.Average(value => (value - mean) * (value - mean))), measured.Deviation[channel], 1e-6);
            }
        }).QuickCheckThrowOnFailure();

    [TestMethod]
    public void The_brightest_of_large_images_overflow_nothing()
    {
        var shape = new ImageShape(1, 1024, 1024);
        var white = Enumerable.Repeat((byte)255, shape.Size).ToArray();

        var measured = Measure(shape, [white, white, new byte[shape.Size], new byte[shape.Size]]);

        Assert.AreEqual(0.5f, measured.Mean[0]);
        Assert.AreEqual(0.5f, measured.Deviation[0]);
    }

    [TestMethod]
    public void A_channel_without_contrast_gets_deviation_1()
    {
        var measured = Measure(new ImageShape(2, 3, 3), [[7, 7, 7, 7, 7, 7, 7, 7, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9]]);

        Assert.AreEqual(1f, measured.Deviation[0]);
        Assert.IsLessThan(1f, measured.Deviation[1]);
    }

    private static Normalization Measure(ImageShape shape, IEnumerable<byte[]> images)
    {
        var statistics = new ChannelStatistics(shape);
        foreach (var image in images)
            statistics.Add(image);
        return statistics.Measure();
    }

    private static byte[] Noise(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
