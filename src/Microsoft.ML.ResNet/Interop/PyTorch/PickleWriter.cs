using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>
/// Writes a pickle of protocol 2, instruction by instruction, with the few instructions that a state dictionary needs. Nothing is
/// remembered for later use, which costs a few bytes and makes the order of the calls the whole story.
/// </summary>
internal sealed class PickleWriter
{
    private const byte Protocol = 2;

    private readonly ArrayBufferWriter<byte> _buffer = new();

    /// <summary>Starts the pickle.</summary>
    public PickleWriter() => _buffer.Write([(byte)PickleOpcode.Proto, Protocol]);

    /// <summary>Writes an instruction without operands.</summary>
    public void Write(PickleOpcode opcode) => _buffer.Write([(byte)opcode]);

    /// <summary>Pushes a text.</summary>
    public void WriteText(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Write(PickleOpcode.BinUnicode);
        BinaryPrimitives.WriteInt32LittleEndian(_buffer.GetSpan(sizeof(int)), bytes.Length);
        _buffer.Advance(sizeof(int));
        _buffer.Write(bytes);
    }

    /// <summary>Pushes an integer.</summary>
    public void WriteInteger(long value)
    {
        if (value is >= int.MinValue and <= int.MaxValue)
        {
            Write(PickleOpcode.BinInt);
            BinaryPrimitives.WriteInt32LittleEndian(_buffer.GetSpan(sizeof(int)), (int)value);
            _buffer.Advance(sizeof(int));
            return;
        }
        var bytes = new BigInteger(value).ToByteArray();
        Write(PickleOpcode.Long1);
        _buffer.Write([(byte)bytes.Length]);
        _buffer.Write(bytes);
    }

    /// <summary>Pushes a tuple of integers.</summary>
    public void WriteTuple(IEnumerable<long> values)
    {
        Write(PickleOpcode.Mark);
        foreach (var value in values)
            WriteInteger(value);
        Write(PickleOpcode.Tuple);
    }

    /// <summary>Pushes a global.</summary>
    public void WriteGlobal(string module, string name)
    {
        Write(PickleOpcode.Global);
        _buffer.Write(Encoding.UTF8.GetBytes($"{module}\n{name}\n"));
    }

    /// <summary>Ends the pickle.</summary>
    /// <returns>Its bytes.</returns>
    public byte[] Finish()
    {
        Write(PickleOpcode.Stop);
        return _buffer.WrittenSpan.ToArray();
    }
}
