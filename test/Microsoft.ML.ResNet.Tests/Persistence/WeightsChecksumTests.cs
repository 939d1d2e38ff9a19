using System.Security.Cryptography;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Persistence;

/// <summary>Weights that are compared with their checksum while they are read.</summary>
[TestClass]
public class WeightsChecksumTests
{
    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(50)]
    public void Bytes_in_any_number_of_parts_have_their_checksum_and_no_other(int parts)
    {
        var bytes = new byte[parts * 1000];
        new Random(1).NextBytes(bytes);
        var right = Convert.ToHexString(SHA256.HashData(bytes));
        Added(right, bytes).Verify();

        var wrong = Assert.ThrowsExactly<ModelFormatException>(() => Added(new string('0', 64), bytes).Verify());
        StringAssert.Contains(wrong.Message, right, StringComparison.OrdinalIgnoreCase);
        using (var asked = Added(new string('0', 64), bytes))
            for (var time = 0; time < 2; time++)
                Assert.ThrowsExactly<ModelFormatException>(asked.Verify);
        if (parts > 0)
            Assert.ThrowsExactly<ModelFormatException>(() => Added(right, bytes[..^1]).Verify());
        Added(null, bytes).Verify();
        Added(right, bytes).Dispose();
    }

    [TestMethod]
    public void A_stream_is_compared_from_where_it_stands()
    {
        using var stream = new MemoryStream([1, 2, 3, 4]) { Position = 1 };
        using var checksum = new WeightsChecksum(Convert.ToHexString(SHA256.HashData([2, 3, 4])));
        checksum.Verify(stream);
        Assert.AreEqual(1, stream.Position);
        Assert.ThrowsExactly<ModelFormatException>(() => new WeightsChecksum(new string('0', 64)).Verify(stream));
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void What_is_told_of_while_bytes_are_read_is_all_of_them_in_order(bool canSeek)
    {
        var expected = new byte[9_000_001];
        new Random(2).NextBytes(expected);
        var told = new List<ReadOnlyMemory<byte>>();
        using Stream stream = canSeek ? new MemoryStream(expected) : new ForwardOnlyStream(expected);

        Assert.IsTrue(UntrustedBytes.TryRead(stream, expected.Length, out var bytes, out var available, arrived: told.Add));

        Assert.IsTrue(expected.AsSpan().SequenceEqual(bytes));
        Assert.AreEqual(expected.Length, available);
        Assert.IsGreaterThan(2, told.Count);
        Assert.IsTrue(expected.AsSpan().SequenceEqual(told.SelectMany(part => part.ToArray()).ToArray()));
    }

    private static WeightsChecksum Added(string? expected, byte[] bytes)
    {
        var checksum = new WeightsChecksum(expected);
        foreach (var part in bytes.Chunk(1000))
            checksum.Append(part);
        return checksum;
    }
}
