using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tests.Conformance;
using Microsoft.ML.ResNet.Tests.Images;
using Microsoft.ML.ResNet.Tests.Interop.Onnx;
using Microsoft.ML.ResNet.Tests.Support;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Classifying;

/// <summary>One call for one picture: the scores of <c>Transform</c>, from many threads, and a reason for whatever is no picture.</summary>
[TestClass]
public class ImageClassifierTests
{
    private static readonly MLContext Ml = new(seed: 1);
    private static readonly ImagePredictionOptions All = new() { Top = int.MaxValue };

    private static readonly ImageGeometry[] Geometries = [ImageGeometry.Fill, ImageGeometry.CenterCrop, ImageGeometry.Pad,
        ImageGeometry.CenterCrop with { CropRatio = 1, Interpolation = ImageInterpolation.Bicubic },
        ImageGeometry.Fill with { HonorOrientation = false }];

    public static IEnumerable<object[]> AllGeometries
        => Geometries.SelectMany((_, index) => new[] { 1, 3 }.Select(channels => new object[] { index, channels }));

    [TestMethod]
    [DynamicData(nameof(AllGeometries))]
    public void Probabilities_are_those_of_Transform_bit_for_bit(int geometry, int channels)
    {
        var model = Model(channels) with { Geometry = Geometries[geometry], TestTimeFlip = geometry == 1 };
        using var transformer = ExportedModel.Transformer(model);
        var classifier = transformer.CreateClassifier();
        var pictures = Pictures().ToArray();
        var expected = Scores.Read(Ml, transformer.Transform(Ml.Data.LoadFromEnumerable(pictures.Select(file => new Row(file)))));

        var many = classifier.PredictMany(pictures.Select(file => (ReadOnlyMemory<byte>)file), All).ToList();
        var paths = pictures.Select((file, index) => ImageSamples.NewFile($"{index}", file)).ToList();
        var files = classifier.PredictMany(paths, All).ToList();
        for (var picture = 0; picture < pictures.Length; picture++)
        {
            AssertSame(expected[picture], many[picture]);
            AssertSame(expected[picture], files[picture]);
            AssertSame(expected[picture], classifier.Predict(pictures[picture], All));
            AssertSame(expected[picture], classifier.Predict(paths[picture], All));
            AssertSame(expected[picture], classifier.Predict(new MemoryStream(pictures[picture]), All));
            AssertSame(expected[picture], classifier.Predict(new ForwardOnlyStream(pictures[picture]), All));
        }
    }

    [TestMethod]
    public void An_MLImage_gives_what_its_file_gives()
    {
        using var transformer = ExportedModel.Transformer(Model(3));
        var classifier = transformer.CreateClassifier();
        var png = Noise(21, 13, SKEncodedImageFormat.Png, seed: 4);
        using var image = MLImage.CreateFromStream(new MemoryStream(png));

        CollectionAssert.AreEqual(classifier.Predict(png, All).Top.ToArray(), classifier.Predict(image, All).Top.ToArray());
    }

    [TestMethod]
    public void The_likeliest_come_first_and_of_equals_the_one_of_the_lower_number()
    {
        var model = Model(3);
        using var transformer = ExportedModel.Transformer(model);
        var classifier = transformer.CreateClassifier();
        var picture = Noise(8, 8, SKEncodedImageFormat.Png, seed: 1);
        var all = classifier.Predict(picture, All).Top;

        Assert.HasCount(model.Classes.Count, all);
        Assert.AreEqual(1, all.Sum(one => (double)one.Probability), 1e-6);
        CollectionAssert.AreEqual(all.OrderByDescending(one => one.Probability).ThenBy(one => one.Index).ToArray(), all.ToArray());
        CollectionAssert.AreEqual(all.Take(2).ToArray(), classifier.Predict(picture, new() { Top = 2 }).Top.ToArray());
        CollectionAssert.AreEqual(all.Take(5).ToArray(), classifier.Predict(picture).Top.ToArray());
        Assert.IsTrue(all.All(one => one.Name == model.Classes.Names[one.Index]));

        using var undecided = ExportedModel.Transformer(model with
        {
            Weights = [.. model.Weights.Select(tensor => tensor.Name.StartsWith("fc.", StringComparison.Ordinal)
                ? tensor with { Data = new byte[tensor.Data.Length] }
                : tensor)],
        });
        CollectionAssert.AreEqual(new[] { 0, 1, 2 },
            undecided.CreateClassifier().Predict(picture, new() { Top = 3 }).Top.Select(one => one.Index).ToArray());
    }

    [TestMethod]
    public void Many_threads_get_what_one_gets()
    {
        using var transformer = ExportedModel.Transformer(Model(3));
        var classifier = transformer.CreateClassifier();
        var pictures = Enumerable.Range(0, 16).Select(seed => Noise(20 + seed, 31, SKEncodedImageFormat.Jpeg, seed)).ToArray();
        var wanted = new ImagePredictionOptions { Top = 6, WithActivationMap = true };
        var expected = pictures.Select(picture => classifier.Predict(picture, wanted)).ToArray();

        var wrong = 0;
        Parallel.For(0, 400, new ParallelOptions { MaxDegreeOfParallelism = 8 }, trial =>
        {
            var (right, found) = (expected[trial % 16], classifier.Predict(pictures[trial % 16], wanted));
            if (!right.Top.SequenceEqual(found.Top) || !right.Map!.Values.Span.SequenceEqual(found.Map!.Values.Span))
                Interlocked.Increment(ref wrong);
        });

        Assert.AreEqual(0, wrong);
    }

    [TestMethod]
    public void What_is_no_picture_has_a_reason_and_those_beside_it_keep_their_places()
    {
        using var transformer = ExportedModel.Transformer(Model(3));
        var classifier = transformer.CreateClassifier(new() { MaximumBytes = 20_000, MaximumPixels = 1_000 });
        var good = Noise(20, 20, SKEncodedImageFormat.Png, seed: 2);
        (byte[] File, ImageProblemKind Kind, string Problem)[] cases =
        [
            ([], ImageProblemKind.Empty, "found no bytes"),
            (good, ImageProblemKind.None, ""),
            ([.. "hello, world"u8], ImageProblemKind.UnknownFormat, "found 12 bytes that are none"),
            ([.. "%PDF-1.7 and so on"u8], ImageProblemKind.UnknownFormat, "expected an image in a format that Skia decodes"),
            (good[..(good.Length / 2)], ImageProblemKind.Damaged, "found a file that ends too early"),
            (good, ImageProblemKind.None, ""),
            (Noise(40, 40, SKEncodedImageFormat.Png, seed: 3), ImageProblemKind.TooManyPixels, "at most 1000 pixels, found 40 x 40"),
            (Claiming(60_000, 60_000), ImageProblemKind.TooManyPixels, "found 60000 x 60000"),
            (Claiming(9_000, 9_000), ImageProblemKind.TooManyPixels, "a header that claims 9000 x 9000"),
            (new byte[20_001], ImageProblemKind.TooManyBytes, "expected at most 20000 bytes, found 20001"),
            (good, ImageProblemKind.None, ""),
        ];

        var many = classifier.PredictMany(cases.Select(one => (ReadOnlyMemory<byte>)one.File)).ToList();

        foreach (var ((file, kind, problem), prediction) in cases.Zip(many))
        {
            foreach (var one in new[] { prediction, classifier.Predict(file), classifier.Predict(new ForwardOnlyStream(file)) })
            {
                Assert.AreEqual(kind, one.ProblemKind, one.Problem);
                Assert.AreEqual(kind == ImageProblemKind.None, one.IsReadable);
                Assert.AreEqual(kind == ImageProblemKind.None ? (5, 20, 20) : (0, 0, 0), (one.Top.Count, one.Height, one.Width));
            }
            StringAssert.Contains(prediction.Problem ?? "", problem);
        }
        var expected = classifier.Predict(good).Top.ToArray();
        Assert.IsTrue(many.Where(one => one.IsReadable).All(one => one.Top.SequenceEqual(expected)));
    }

    [TestMethod]
    public void A_path_that_leads_to_no_file_has_a_reason()
    {
        using var transformer = ExportedModel.Transformer(Model(3));
        var classifier = transformer.CreateClassifier(new() { MaximumBytes = 100 });
        var folder = ImageSamples.NewFolder();
        (string Path, ImageProblemKind Kind, string Problem)[] cases =
        [
            (Path.Combine(folder, "none.png"), ImageProblemKind.NoFile, "Could not find file"),
            (folder, ImageProblemKind.NoFile, "found a folder"),
            (ImageSamples.NewFile("large.png", new byte[101]), ImageProblemKind.TooManyBytes, "found 101"),
            (ImageSamples.NewFile("empty.png", []), ImageProblemKind.Empty, "found no bytes"),
        ];
        if (OperatingSystem.IsLinux())
        {
            var pipe = Path.Combine(folder, "pipe");
            using var process = System.Diagnostics.Process.Start("mkfifo", pipe);
            process.WaitForExit();
            cases = [.. cases, (pipe, ImageProblemKind.NoFile, "a pipe, a socket or a device"),
                ("/dev/zero", ImageProblemKind.TooManyBytes, "found more")];
        }

        foreach (var (path, kind, problem) in cases)
        {
            var prediction = classifier.Predict(path);
            Assert.AreEqual(kind, prediction.ProblemKind, prediction.Problem);
            StringAssert.Contains(prediction.Problem, problem);
        }
    }

    [TestMethod]
    public void A_picture_that_claims_to_be_huge_takes_no_memory()
    {
        using var transformer = ExportedModel.Transformer(Model(3));
        var classifier = transformer.CreateClassifier();
        _ = classifier.Predict(Claiming(100, 100));
        var before = GC.GetTotalAllocatedBytes(precise: true);

        var prediction = classifier.Predict(Claiming(30_000, 3_000));

        Assert.AreEqual(ImageProblemKind.TooManyPixels, prediction.ProblemKind);
        Assert.IsLessThan(1 << 20, GC.GetTotalAllocatedBytes(precise: true) - before);
    }

    [TestMethod]
    public void A_network_that_makes_no_numbers_is_a_reason_too()
    {
        var model = Model(3);
        var nothing = BitConverter.GetBytes(float.NaN);
        using var transformer = ExportedModel.Transformer(model with
        {
            Weights = [.. model.Weights.Select(tensor => tensor.Name == "fc.bias"
                ? tensor with { Data = new byte[tensor.Data.Length].Select((_, i) => nothing[i % 4]).ToArray() }
                : tensor)],
        });

        var prediction = transformer.CreateClassifier().Predict(Noise(8, 8, SKEncodedImageFormat.Png, seed: 1));

        Assert.AreEqual((ImageProblemKind.NoNumbers, 0), (prediction.ProblemKind, prediction.Top.Count));
    }

    [TestMethod]
    public void Calls_can_be_cancelled_and_wrong_options_say_what_is_right()
    {
        using var transformer = ExportedModel.Transformer(Model(3));
        var classifier = transformer.CreateClassifier();
        var picture = Noise(8, 8, SKEncodedImageFormat.Png, seed: 1);
        using var cancellation = new CancellationTokenSource();
        cancellation.Cancel();

        Assert.Throws<OperationCanceledException>(() => classifier.Predict(picture, cancellationToken: cancellation.Token));
        Assert.Throws<OperationCanceledException>(
            () => classifier.PredictMany([picture, picture], cancellationToken: cancellation.Token).Count());
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => classifier.Predict(picture, new() { Top = 0 })).Message, "at least 1");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => classifier.Predict(picture, new() { ActivationMapClass = 6 })).Message, "must be 0 to 5");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => transformer.CreateClassifier(new() { MaximumBytes = 0 }));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => transformer.CreateClassifier(new() { MaximumPixels = 100_000_001 }));
        using var four = ExportedModel.Transformer(Model(4));
        Assert.ThrowsExactly<NotSupportedException>(() => four.CreateClassifier());
    }

    [TestMethod]
    public void A_classifier_of_a_file_owns_its_network_and_one_of_a_transformer_does_not()
    {
        var model = Model(3);
        using var transformer = ExportedModel.Transformer(model);
        var path = Path.Combine(ImageSamples.NewFolder(), "model.zip");
        Ml.Model.SaveResNet(transformer, inputSchema: null, path);
        var picture = Noise(9, 7, SKEncodedImageFormat.Png, seed: 1);

        var (borrowed, loaded) = (transformer.CreateClassifier(), Ml.Model.LoadImageClassifier(path));
        CollectionAssert.AreEqual(borrowed.Predict(picture).Top.ToArray(), loaded.Predict(picture).Top.ToArray());
        borrowed.Dispose();
        loaded.Dispose();

        Assert.IsTrue(borrowed.Predict(picture).IsReadable);
        Assert.ThrowsExactly<ObjectDisposedException>(() => loaded.Predict(picture));

        var other = Path.Combine(ImageSamples.NewFolder(), "other.zip");
        var rows = Ml.Data.LoadFromEnumerable([new Row([1])]);
        Ml.Model.Save(Ml.Transforms.CopyColumns("Copy", "Features").Fit(rows), rows.Schema, other);
        Assert.ThrowsExactly<ModelFormatException>(() => Ml.Model.LoadImageClassifier(other));
    }

    private static TrainedResNet Model(int channels)
        => ExportedModel.Create(ResNetArchitecture.Cifar(8), new ImageShape(channels, 12, 15), "a", "b", "c", "d", "e", "f");

    private static IEnumerable<byte[]> Pictures()
    {
        foreach (var (width, height) in new[] { (15, 12), (1, 1), (40, 3), (33, 97), (301, 200) })
        {
            yield return Noise(width, height, SKEncodedImageFormat.Png, seed: width);
            yield return Noise(width, height, SKEncodedImageFormat.Jpeg, seed: height);
        }
        foreach (var tag in Enumerable.Range(2, 7))
            yield return ImageGeometryTests.WithOrientation(Noise(40, 23, SKEncodedImageFormat.Jpeg, seed: tag), tag);
    }

    private static byte[] Noise(int width, int height, SKEncodedImageFormat format, int seed)
    {
        var random = new Random(seed);
        return ImageSamples.Encode(width, height,
            (_, _) => new SKColor((byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256)), format);
    }

    // A PNG whose header claims another size: the checksum of the header is of the lie, as a liar would make it.
    private static byte[] Claiming(int width, int height)
    {
        var png = ImageSamples.Plain(9);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), width);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), height);
        var checksum = System.IO.Hashing.Crc32.HashToUInt32(png.AsSpan(12, 17));
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), checksum);
        return png;
    }

    private static void AssertSame(ScoredRow expected, ImagePrediction found)
    {
        Assert.IsTrue(found.IsReadable, found.Problem);
        CollectionAssert.AreEqual(expected.Score, found.Top.OrderBy(one => one.Index).Select(one => one.Probability).ToArray());
        Assert.AreEqual((int)expected.PredictedLabel - 1, found.Top[0].Index);
    }

    private sealed class Row(byte[] features)
    {
        public byte[] Features { get; set; } = features;
    }
}
