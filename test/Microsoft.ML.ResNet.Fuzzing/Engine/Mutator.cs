using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Microsoft.ML.ResNet.Fuzzing;

/// <summary>
/// Makes an input out of others: bits, numbers of every width and byte order, blocks that are cut, doubled, moved or taken from another
/// input, words of the format, and in text whole members and decimal numbers.
/// </summary>
/// <param name="tokens">The words of the format.</param>
/// <param name="longest">The longest input, in bytes.</param>
public sealed class Mutator(IReadOnlyList<byte[]> tokens, int longest)
{
    private const int MostSteps = 8;

    private static readonly long[] Interesting =
    [
        0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 511, 512, 1000, 1023, 1024, 4095, 4096, 16384, 32767, 32768,
        65534, 65535, 65536, 1 << 20, 1 << 24, 1 << 26, int.MaxValue - 1, int.MaxValue, 1L << 31, uint.MaxValue - 1, uint.MaxValue,
            1L << 32,
        long.MaxValue - 1, long.MaxValue, -1, -2, -128, -32768, int.MinValue, long.MinValue,
    ];

    private static readonly byte[] Delimiters = [.. "{}[]():,;\"'=/\\. \t\r\n\0"u8];

    private readonly byte[] _work = new byte[longest];
    private int _length;

    /// <summary>Changes one input, with the help of another.</summary>
    public byte[] Mutate(Random random, byte[] input, byte[] other)
    {
        _length = Math.Min(input.Length, longest);
        input.AsSpan(0, _length).CopyTo(_work);
        var steps = 1;
        while (steps < MostSteps && random.Next(2) == 0)
            steps++;
        for (; steps > 0; steps--)
            Step(random, other);
        return Work.ToArray();
    }

    private Span<byte> Work => _work.AsSpan(0, _length);

    private void Step(Random random, byte[] other)
    {
        switch (random.Next(_length == 0 ? 2 : 18))
        {
            case 0: Insert(random.Next(_length + 1), Token(random)); break;
            case 1: Insert(random.Next(_length + 1), Part(random, other)); break;
            case 2 or 3: _work[random.Next(_length)] ^= (byte)(1 << random.Next(8)); break;
            case 4: _work[random.Next(_length)] = (byte)random.Next(256); break;
            case 5: _work[random.Next(_length)] += (byte)random.Next(-16, 17); break;
            case 6 or 7: Number(random, _ => Interesting[random.Next(Interesting.Length)]); break;
            case 8: Number(random, old => old + random.Next(-16, 17)); break;
            case 9: Overwrite(random.Next(_length), Token(random)); break;
            case 10: Overwrite(random.Next(_length), Part(random, other)); break;
            case 11: Remove(Block(random, _length)); break;
            case 12: Remove(Member(random)); break;
            case 13: Insert(random.Next(_length + 1), Work[Block(random, _length)].ToArray()); break;
            case 14: Insert(random.Next(_length + 1), Work[Member(random)].ToArray()); break;
            case 15: Decimal(random); break;
            case 16: Work[Block(random, _length)].Fill((byte)(random.Next(2) == 0 ? 0 : random.Next(256))); break;
            default: CutOrJoin(random, other); break;
        }
    }

    private byte[] Token(Random random) => tokens.Count == 0 ? [(byte)random.Next(256)] : tokens[random.Next(tokens.Count)];

    private static ReadOnlySpan<byte> Part(Random random, byte[] of) => of.AsSpan(Block(random, of.Length));

    // Mostly short: long ones change more than a reader gets to see.
    private static Range Block(Random random, int length)
    {
        if (length == 0)
            return 0..0;
        var most = random.Next(4) == 0 ? length : Math.Min(length, 1 << random.Next(7));
        var count = 1 + random.Next(most);
        var start = random.Next(length - count + 1);
        return start..(start + count);
    }

    /// <summary>From one delimiter to another: in JSON often a whole name, value or member.</summary>
    private Range Member(Random random)
    {
        var start = Work[..random.Next(_length)].LastIndexOfAny(Delimiters) + 1;
        var end = start;
        for (var delimiters = 1 + random.Next(6); delimiters > 0 && end < _length; delimiters--)
            end += Work[end..].IndexOfAny(Delimiters) is >= 0 and var next ? next + 1 : _length - end;
        return start..end;
    }

    private void Number(Random random, Func<long, long> change)
    {
        var width = 1 << random.Next(4);
        if (_length < width)
            return;
        var place = Work.Slice(random.Next(_length - width + 1), width);
        var isBig = random.Next(2) == 0;
        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        place.CopyTo(bytes);
        if (isBig)
            bytes[..width].Reverse();
        BinaryPrimitives.WriteInt64LittleEndian(bytes, change(BinaryPrimitives.ReadInt64LittleEndian(bytes)));
        if (isBig)
            bytes[..width].Reverse();
        bytes[..width].CopyTo(place);
    }

    /// <summary>Another number in place of one that is written in decimal digits.</summary>
    private void Decimal(Random random)
    {
        var start = random.Next(_length);
        var found = Work[start..].IndexOfAnyInRange((byte)'0', (byte)'9');
        if (found < 0)
            return;
        start += found;
        var count = Work[start..].IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        Remove(start..(count < 0 ? _length : start + count));
        var number = random.Next(6) switch
        {
            0 => random.Next(10).ToString(CultureInfo.InvariantCulture),
            1 => random.Next(100_000).ToString(CultureInfo.InvariantCulture),
            2 => $"{random.Next(10)}e{random.Next(-400, 400)}",
            3 => $"-{random.Next(10)}.{random.Next(1000)}",
            _ => Interesting[random.Next(Interesting.Length)].ToString(CultureInfo.InvariantCulture),
        };
        Insert(start, Encoding.ASCII.GetBytes(number));
    }

    private void CutOrJoin(Random random, byte[] other)
    {
        _length = random.Next(_length + 1);
        if (random.Next(2) == 0)
            Insert(_length, other.AsSpan(random.Next(other.Length + 1)));
    }

    private void Insert(int at, ReadOnlySpan<byte> bytes)
    {
        bytes = bytes[..Math.Min(bytes.Length, longest - _length)];
        Work[at..].CopyTo(_work.AsSpan(at + bytes.Length));
        bytes.CopyTo(_work.AsSpan(at));
        _length += bytes.Length;
    }

    private void Overwrite(int at, ReadOnlySpan<byte> bytes)
    {
        bytes = bytes[..Math.Min(bytes.Length, longest - at)];
        bytes.CopyTo(_work.AsSpan(at));
        _length = Math.Max(_length, at + bytes.Length);
    }

    private void Remove(Range range)
    {
        var (start, count) = range.GetOffsetAndLength(_length);
        Work[(start + count)..].CopyTo(_work.AsSpan(start));
        _length -= count;
    }
}
