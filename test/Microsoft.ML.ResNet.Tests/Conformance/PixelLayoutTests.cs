using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>How pixels lie in vectors: from the dimensions, or from the options, or an error that names the option.</summary>
[TestClass]
public class PixelLayoutTests
{
    [TestMethod]
    [DataRow(PixelLayout.Planar, ChannelOrder.Rgb)]
    [DataRow(PixelLayout.Planar, ChannelOrder.Bgr)]
    [DataRow(PixelLayout.Interleaved, ChannelOrder.Rgb)]
    [DataRow(PixelLayout.Interleaved, ChannelOrder.Bgr)]
    public void Vectors_without_dimensions_are_laid_out_as_the_options_say(PixelLayout layout, ChannelOrder order)
    {
        var ml = new MLContext(seed: 1);
        var rows = ImageRows.Create(9);
        foreach (var row in rows)
            row.Flat = [.. Enumerable.Range(0, 192).Select(i => row.Planar[Source(i)])];
        var data = ImageRows.View(ml, rows);
        using var expected = ImageRows.Trainer(ml).Fit(data);
        using var actual = ImageRows.Trainer(ml, nameof(ImageRow.Flat), change: options =>
        {
            (options.ImageHeight, options.ImageWidth, options.ImageChannels) = (8, 8, 3);
            (options.PixelLayout, options.ChannelOrder) = (layout, order);
        }).Fit(data);
        Scores.AssertSame(Scores.Read(ml, expected.Transform(data)), Scores.Read(ml, actual.Transform(data)), $"{layout} {order}");

        using var file = new MemoryStream();
        ml.Model.Save(actual, data.Schema, file);
        var loaded = ml.Model.Load(file, out _);
        Scores.AssertSame(Scores.Read(ml, expected.Transform(data)), Scores.Read(ml, loaded.Transform(data)), $"{layout} {order}, loaded");
        ((IDisposable)loaded).Dispose();

        int Source(int i) // the place in a planar RGB image of the value at place i
        {
            var (channel, pixel) = layout == PixelLayout.Planar ? (i / 64, i % 64) : (i % 3, i / 3);
            return (order == ChannelOrder.Bgr ? 2 - channel : channel) * 64 + pixel;
        }
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(3)]
    [DataRow(4)]
    public void One_to_four_channels_are_read_off_the_dimensions(int channels)
    {
        var ml = new MLContext(seed: 1);
        foreach (var dimensions in new int[][] { [channels, 8, 9], [8, 9, channels] })
        {
            var data = Random(ml, dimensions);
            using var model = ImageRows.Trainer(ml, "Pixels").Fit(data);
            Assert.AreEqual(new ImageShape(channels, 8, 9), model.Model.ImageShape);
            Assert.IsTrue(Scores.Read(ml, model.Transform(data)).All(row => row.Score.Sum() is > 0.999f and < 1.001f));
        }
    }

    [TestMethod]
    public void Two_dimensions_are_a_grey_image()
    {
        var ml = new MLContext(seed: 1);
        using var model = ImageRows.Trainer(ml, "Pixels").Fit(Random(ml, 8, 9));
        Assert.AreEqual(new ImageShape(1, 8, 9), model.Model.ImageShape);
    }

    [TestMethod]
    public void Ambiguous_dimensions_name_both_readings_and_the_option()
    {
        var ml = new MLContext(seed: 1);
        var data = Random(ml, 3, 8, 4);
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ImageRows.Trainer(ml, "Pixels").Fit(data));
        foreach (var part in new[] { "3x8x4 planar", "4x3x8 interleaved", "Set PixelLayout" })
            StringAssert.Contains(error.Message, part);

        using var model = ImageRows.Trainer(ml, "Pixels", change: options => options.PixelLayout = PixelLayout.Interleaved).Fit(data);
        Assert.AreEqual(new ImageShape(4, 3, 8), model.Model.ImageShape);
    }

    [TestMethod]
    [DataRow(new[] { 192 })]
    [DataRow(new[] { 8, 3, 8 })]
    [DataRow(new[] { 1, 3, 8, 8 })]
    public void Dimensions_that_tell_no_image_name_the_options(int[] dimensions)
    {
        var ml = new MLContext(seed: 1);
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ImageRows.Trainer(ml, "Pixels").Fit(Random(ml, dimensions)));
        StringAssert.Contains(error.Message, "Set ImageHeight, ImageWidth and ImageChannels");
    }

    [TestMethod]
    public void A_model_takes_a_vector_of_the_right_length_without_dimensions()
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.View(ml, 9);
        using var model = ImageRows.Trainer(ml).Fit(data);
        var flat = ml.Transforms.CopyColumns(nameof(ImageRow.Planar), nameof(ImageRow.Flat)).Fit(data).Transform(data);
        Scores.AssertSame(Scores.Read(ml, model.Transform(data)), Scores.Read(ml, model.Transform(flat)), "192 bytes");
    }

    /// <summary>Rows of noise of a given shape, in the column <c>Pixels</c>.</summary>
    private static IDataView Random(MLContext ml, params int[] dimensions)
    {
        var random = new Random(1);
        var definition = SchemaDefinition.Create(typeof(NoiseRow));
        definition[nameof(NoiseRow.Pixels)].ColumnType = new VectorDataViewType(NumberDataViewType.Byte, dimensions);
        return ml.Data.LoadFromEnumerable(Enumerable.Range(0, 9).Select(row => Draw((uint)(row % 3) + 1)).ToList(), definition);

        NoiseRow Draw(uint label)
        {
            var pixels = new byte[dimensions.Aggregate(1, (product, size) => product * size)];
            random.NextBytes(pixels);
            return new NoiseRow { Pixels = pixels, Label = label };
        }
    }

    private sealed class NoiseRow
    {
        [VectorType(1)]
        public byte[] Pixels { get; set; } = [];

        [KeyType(3)]
        public uint Label { get; set; }
    }
}
