using System.Buffers.Binary;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Tensors;

[TestClass]
public sealed class SafetensorsTests
{
    private const string OneTensor = """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""";

    [TestMethod]
    public void The_golden_file_holds_the_golden_weights()
    {
        using var file = File.OpenRead(GoldenNoise.Path("cifar-20.safetensors"));

        var tensors = Safetensors.Read(file, out var metadata);

        GoldenWeights.AssertAreCifar20(tensors);
        Assert.AreEqual("pt", metadata["format"]);
    }

    [TestMethod]
    public void The_golden_weights_are_written_as_the_reference_implementation_reads_them()
    {
        using var file = File.OpenRead(GoldenNoise.Path("cifar-20.safetensors"));
        using var copy = new MemoryStream();

        Safetensors.Write(copy, Safetensors.Read(file, out var metadata), metadata);

        var bytes = copy.ToArray();
        var headerLength = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        Assert.AreEqual(0, headerLength % 8);
        var data = bytes.AsSpan(8 + (int)headerLength);
        Assert.IsTrue(data.SequenceEqual(File.ReadAllBytes(file.Name).AsSpan()[^data.Length..]));
        StringAssert.StartsWith(Encoding.UTF8.GetString(bytes, 8, 40), """{"__metadata__":{"format":"pt"},"conv1.w""");
    }

    [TestMethod]
    public void What_is_written_is_read_back()
    {
        var type = Gen.Elements(Enum.GetValues<ElementType>());
        var shape = Gen.Choose(0, 4).Select(size => (long)size).ArrayOf().Where(sizes => sizes.Length <= 4);
        var tensor = from t in type
                     from s in shape
                     from name in ArbMap.Default.GeneratorFor<NonNull<string>>()
                     from data in Gen.Choose(0, 255).Select(value => (byte)value).ArrayOf((int)s.Aggregate((long)t.Size(), (a, b) => a * b))
                     select new NamedTensor(Readable(name.Get), t, s, data);
        var tensors = tensor.ArrayOf().Select(all => all.DistinctBy(one => one.Name).ToArray());

        Prop.ForAll(tensors.ToArbitrary(), written =>
        {
            using var stream = new MemoryStream();
            Safetensors.Write(stream, written, new Dictionary<string, string> { ["söurce"] = "\"quoted\"" });
            stream.Position = 0;
            var read = Safetensors.Read(stream, out var metadata);
            return metadata["söurce"] == "\"quoted\"" && SameTensors(written, read);
        }).QuickCheckThrowOnFailure();
    }

    [TestMethod]
    public void A_stream_that_cannot_seek_gives_the_same_tensors()
    {
        using var stream = new ForwardOnlyStream(File.ReadAllBytes(GoldenNoise.Path("cifar-20.safetensors")));

        GoldenWeights.AssertAreCifar20(Safetensors.Read(stream, out _));
    }

    [TestMethod]
    [DataRow("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8,
        "duplicate", DisplayName = "one name twice")]
    [DataRow("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12,
        "begin at 8", DisplayName = "overlap")]
    [DataRow("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "begin at 0", DisplayName = "gap")]
    [DataRow("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "found 8 bytes", DisplayName = "shape and length differ")]
    [DataRow("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "at most",
        DisplayName = "shape overflows")]
    [DataRow("""{"a":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "at most",
        DisplayName = "empty shape overflows")]
    [DataRow("""{"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}""", 8, "found 'F8_E4M3'", DisplayName = "unknown element type")]
    [DataRow("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "found '-2'", DisplayName = "negative size")]
    [DataRow("""{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", 8, "found '2.5'", DisplayName = "fractional size")]
    [DataRow("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "[begin, end]", DisplayName = "end before begin")]
    [DataRow("""{"a":{"dtype":"F32","shape":[2]}}""", 8, "data_offsets", DisplayName = "missing member")]
    [DataRow("""{"a":7}""", 0, "member 'dtype'", DisplayName = "number for a tensor")]
    [DataRow("""[1]""", 0, "expected Object", DisplayName = "array for a header")]
    [DataRow("""{"a":{"dtype":"\ud800","shape":[2],"data_offsets":[0,8]}}""", 8, "JSON", DisplayName = "half a surrogate pair")]
    [DataRow("""{"__metadata__":{"a":1}}""", 0, "expected String", DisplayName = "number in the metadata")]
    [DataRow(OneTensor, 7, "promises 8 bytes", DisplayName = "too few bytes")]
    [DataRow(OneTensor, 9, "promises 8 bytes", DisplayName = "too many bytes")]
    public void A_wrong_header_is_refused(string header, int dataLength, string message)
    {
        using var stream = new MemoryStream(FileWith(header, dataLength));

        var error = Assert.ThrowsExactly<WeightsFormatException>(() => Safetensors.Read(stream, out _));

        StringAssert.Contains(error.Message, message, StringComparison.OrdinalIgnoreCase);
    }

    [TestMethod]
    public void Promised_gigabytes_that_are_not_there_take_no_memory()
    {
        var header =
            """{"a":{"dtype":"F32","shape":[500000000],"data_offsets":[0,2000000000]},"""
            + "\"b\":{\"dtype\":\"F32\",\"shape\":[500000000],\"data_offsets\":[2000000000,4000000000]}}";
        foreach (var seekable in new[] { true, false })
            AssertRefused(FileWith(header, 100), seekable, memoryLimit: 4 << 20);

        var longHeader = new byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(longHeader, Safetensors.MaximumHeaderLength);
        AssertRefused(longHeader, seekable: false, memoryLimit: 4 << 20);
        BinaryPrimitives.WriteInt64LittleEndian(longHeader, 1L << 40);
        AssertRefused(longHeader, seekable: true, memoryLimit: 4 << 20);
    }

    [TestMethod]
    public void A_longest_header_of_empty_tensors_is_read_in_bounded_memory()
    {
        var entries = Enumerable.Range(0, 270_000).Select(i => $"\"{i}\":{{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}");
        var file = FileWith("{" + string.Join(",", entries) + "}", 0);
        Assert.IsGreaterThan(Safetensors.MaximumHeaderLength * 9 / 10, file.Length);

        Assert.IsTrue(Hostile.TryRead(file, stream => Safetensors.Read(stream, out _), memoryLimit: 25L * file.Length));
    }

    [TestMethod]
    public void Every_truncation_is_refused()
    {
        var bytes = FileWith(OneTensor, 8);
        for (var length = 0; length < bytes.Length; length++)
        {
            AssertRefused(bytes[..length], seekable: true, memoryLimit: 4 << 20);
            AssertRefused(bytes[..length], seekable: false, memoryLimit: 4 << 20);
        }
    }

    [TestMethod]
    public void Flipped_bits_are_refused_or_read_as_other_tensors()
    {
        var bytes = File.ReadAllBytes(GoldenNoise.Path("cifar-20.safetensors"));
        var headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        var random = new Random(1);
        var refused = 0;
        for (var trial = 0; trial < 300; trial++)
        {
            var bit = random.Next(8 * (8 + headerLength));
            bytes[bit / 8] ^= (byte)(1 << bit % 8);
            refused += Hostile.TryRead(bytes, stream => Safetensors.Read(stream, out _), memoryLimit: 8 << 20) ? 0 : 1;
            bytes[bit / 8] ^= (byte)(1 << bit % 8);
        }
        Assert.IsGreaterThan(100, refused);
    }

    [TestMethod]
    public void Tensors_that_are_not_what_they_say_are_not_written()
    {
        using var stream = new MemoryStream();
        var tensor = new NamedTensor("a", ElementType.Float32, [2], new byte[8]);

        Assert.ThrowsExactly<ArgumentException>(() => Safetensors.Write(stream, [tensor, tensor]));
        Assert.ThrowsExactly<ArgumentException>(() => Safetensors.Write(stream, [tensor with { Name = "__metadata__" }]));
        Assert.ThrowsExactly<ArgumentException>(() => Safetensors.Write(stream, [tensor with { Shape = [3] }]));
        Assert.AreEqual(0, stream.Length);
    }

    [TestMethod]
    [DataRow((byte)0)]
    [DataRow((byte)1)]
    public void A_byte_behind_the_last_tensor_is_refused_even_where_nobody_knows_the_length(byte behind)
    {
        byte[] file = [.. FileWith("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2), behind];

        AssertRefused(file, seekable: true, 1 << 20);
        AssertRefused(file, seekable: false, 4 << 20);
        Assert.IsTrue(Hostile.TryRead(file[..^1], stream => Safetensors.Read(stream, out _), 4 << 20, seekable: false));
    }

    [TestMethod]
    public void Tensors_have_64_dimensions_at_most()
    {
        Assert.HasCount(64, Safetensors.Read(new MemoryStream(OfOnes(64)), out _).Single().Shape);
        StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(
            () => Safetensors.Read(new MemoryStream(OfOnes(65)), out _)).Message, "at most 64 dimensions, found 65");

        static byte[] OfOnes(int dimensions) => FileWith(
            $"{{\"a\":{{\"dtype\":\"U8\",\"shape\":[{string.Join(',', Enumerable.Repeat(1, dimensions))}],\"data_offsets\":[0,1]}}}}", 1);
    }

    private static string Readable(string name) => "t" + string.Concat(name.Where(c => !char.IsSurrogate(c)));

    private static bool SameTensors(NamedTensor[] a, IReadOnlyList<NamedTensor> b) => a.Length == b.Count && a.Zip(b).All(pair =>
        pair.First.Name == pair.Second.Name && pair.First.Type == pair.Second.Type && pair.First.Shape.SequenceEqual(pair.Second.Shape)
        && pair.First.Data.Span.SequenceEqual(pair.Second.Data.Span));

    private static byte[] FileWith(string header, int dataLength)
    {
        var text = Encoding.UTF8.GetBytes(header);
        var file = new byte[8 + text.Length + dataLength];
        BinaryPrimitives.WriteInt64LittleEndian(file, text.Length);
        text.CopyTo(file, 8);
        return file;
    }

    private static void AssertRefused(byte[] bytes, bool seekable, long memoryLimit)
    {
        Assert.IsFalse(Hostile.TryRead(bytes, stream => Safetensors.Read(stream, out _), memoryLimit, seekable));
    }
}
