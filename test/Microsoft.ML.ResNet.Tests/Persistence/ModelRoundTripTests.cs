using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Persistence;

[TestClass]
public class ModelRoundTripTests
{
    /// <summary>Classes of every type that keys may stand for.</summary>
    public static IEnumerable<object[]> Labels =>
    [
        [new ClassLabels(3)],
        [SavedModel.TextLabels("", "Überraschung \"🚀\"\n\0", "日本")],
        [new ClassLabels<bool>([false, true])],
        [new ClassLabels<float>([float.NaN, float.NegativeInfinity, float.Epsilon, 1f / 3])],
        [new ClassLabels<double>([double.NaN, double.PositiveInfinity, -0.0, double.MaxValue, 1.0 / 3])],
        [new ClassLabels<sbyte>([sbyte.MinValue, sbyte.MaxValue])],
        [new ClassLabels<short>([short.MinValue, short.MaxValue])],
        [new ClassLabels<int>([int.MinValue, int.MaxValue])],
        [new ClassLabels<long>([long.MinValue, long.MaxValue])],
        [new ClassLabels<byte>([0, 255])],
        [new ClassLabels<ushort>([0, ushort.MaxValue])],
        [new ClassLabels<uint>([0, uint.MaxValue])],
        [new ClassLabels<ulong>([0, ulong.MaxValue])],
        [new ClassLabels<DateTime>([DateTime.MinValue, new DateTime(2026, 2, 28, 1, 2, 3, 456, DateTimeKind.Utc).AddTicks(7),
            DateTime.MaxValue])],
        [new ClassLabels<DateTimeOffset>([DateTimeOffset.MinValue, new DateTimeOffset(2026, 2, 28, 1, 2, 3, TimeSpan.FromHours(-5))])],
        [new ClassLabels<TimeSpan>([TimeSpan.MinValue, TimeSpan.FromTicks(1), TimeSpan.MaxValue])],
    ];

    /// <summary>One small network of every family, shortcut and bias.</summary>
    public static IEnumerable<object[]> Architectures =>
    [
        [ResNetArchitecture.Cifar(8)],
        [ResNetArchitecture.Cifar(11, ResNetBlock.Bottleneck)],
        [ResNetArchitecture.Cifar(8) with { Shortcut = ResNetShortcut.Padding }],
        [SavedModel.Narrow with { Shortcut = ResNetShortcut.BareProjection, ConvolutionBias = true }],
        [SavedModel.Narrow with { Shortcut = ResNetShortcut.BareProjection, ConvolutionBias = true, Naming = ResNetNaming.D2l }],
        [ResNetArchitecture.ImageNet(18) with { StemWidth = 8, Stages = [new(8, 2, 1), new(8, 2, 2), new(16, 2, 2), new(16, 2, 2)] }],
        [(ResNetArchitecture.ImageNet(50) with { StemWidth = 4, Stages = [new(2, 1, 1), new(4, 1, 3)] }).WithCifarStem()],
    ];

    [TestMethod]
    [DynamicData(nameof(Labels))]
    public void Class_values_come_back(object classes)
    {
        var labels = (ClassLabels)classes;
        var (description, weights) = SavedModel.Entries(SavedModel.Create(classes: labels));

        var read = SavedModel.Read(description, weights).Model.Classes;

        Assert.AreEqual(labels.Count, read.Count);
        Assert.AreEqual(labels.ValueType, read.ValueType);
        CollectionAssert.AreEqual(labels.Names.ToArray(), read.Names.ToArray());
        if (labels is ClassLabels<ReadOnlyMemory<char>>)
            return; // its names are its values; memory is compared by reference
        CollectionAssert.AreEqual(labels.ValueArray, read.ValueArray);
        if (labels is ClassLabels<DateTime> times)
            CollectionAssert.AreEqual(times.Values.Select(time => time.Kind)
                .ToArray(), ((ClassLabels<DateTime>)read).Values.Select(time => time.Kind).ToArray());
    }

    [TestMethod]
    [DynamicData(nameof(Architectures))]
    public void Architectures_and_weights_come_back_bit_for_bit(ResNetArchitecture architecture)
    {
        var model = SavedModel.Create(architecture, shape: new ImageShape(1, 9, 12));
        var (description, weights) = SavedModel.Entries(model);

        var read = SavedModel.Read(description, weights).Model;

        Assert.AreEqual(model.Architecture, read.Architecture);
        Assert.AreEqual(model.Shape, read.Shape);
        CollectionAssert.AreEqual(model.Normalization.Mean.ToArray(), read.Normalization.Mean.ToArray());
        CollectionAssert.AreEqual(model.Normalization.Deviation.ToArray(), read.Normalization.Deviation.ToArray());
        AssertSameWeights(model, read);
        using var network = ResidualNetwork.Of(read);
        AssertSameWeights(model, read with { Weights = StateDictionary.Save(network) });
    }

    [TestMethod]
    [DataRow(PixelLayout.Auto, ChannelOrder.Bgr)]
    [DataRow(PixelLayout.Planar, ChannelOrder.Rgb)]
    [DataRow(PixelLayout.Interleaved, ChannelOrder.Bgr)]
    public void Columns_and_layouts_come_back(PixelLayout layout, ChannelOrder order)
    {
        var columns = new ModelColumns("Bild", "Klasse", "Wahrscheinlichkeit", "Größte", layout, order);
        var (description, weights) = SavedModel.Entries(SavedModel.Create(), columns);

        Assert.AreEqual(columns, SavedModel.Read(description, weights).Columns);
    }

    [TestMethod]
    public void A_file_is_written_to_a_stream_that_cannot_seek_and_loads_twice()
    {
        var ml = new MLContext(seed: 1);
        using var file = new MemoryStream();
        using (var pipe = new WriteOnlyStream(file))
        using (var transformer = new ResNetTransformer(ml, SavedModel.Create(), SavedModel.Columns))
            ml.Model.Save(transformer, TinyImages.View(ml, 1).Schema, pipe);

        var data = TinyImages.View(ml, 5);
        file.Position = 0;
        using var first = (ResNetTransformer)ml.Model.LoadResNet(file, out var schema);
        file.Position = 0;
        using var second = (ResNetTransformer)new MLContext().Model.Load(file, out _);

        Assert.IsNotNull(schema!.GetColumnOrNull("Features"));
        AssertSameWeights(first.Model.Network, second.Model.Network);
        ViewComparison.AssertSameRows(first.Transform(data), second.Transform(data), "second against first");
    }

    [TestMethod]
    public void Saving_what_could_not_be_loaded_says_so()
    {
        var model = SavedModel.Create() with { Shape = new ImageShape(3, 16_384, 16_384) };

        var error = Assert.ThrowsExactly<InvalidOperationException>(() => SavedModel.Entries(model));

        StringAssert.Contains(error.Message, "3x16384x16384");
    }

    private static void AssertSameWeights(TrainedResNet expected, TrainedResNet found)
    {
        CollectionAssert.AreEqual(expected.Weights.Select(tensor => tensor.ToString())
            .ToArray(), found.Weights.Select(tensor => tensor.ToString()).ToArray());
        foreach (var (one, other) in expected.Weights.Zip(found.Weights))
            Assert.IsTrue(one.Data.Span.SequenceEqual(other.Data.Span), one.Name);
    }

    /// <summary>A stream such as a web response's: only forward, and only to write.</summary>
    private sealed class WriteOnlyStream(Stream target) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => target.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => target.Write(buffer, offset, count);
    }
}
