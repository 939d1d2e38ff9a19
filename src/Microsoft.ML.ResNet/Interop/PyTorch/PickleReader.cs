using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>
/// Reads Python's pickle, a program for a stack machine, without being able to run code: the only globals are those of an allow-list, and
/// each stands for a function of ours. What comes out is made of <see langword="null"/>, <see cref="bool"/>, <see cref="long"/>,
/// <see cref="System.Numerics.BigInteger"/>, <see cref="double"/>, <see cref="string"/>, <c>object?[]</c> (a tuple),
/// <c>List&lt;object?&gt;</c>,
/// <see cref="PickleDictionary"/>, <see cref="PickleGlobal"/>, and what those functions return. It may contain itself: walk it with care.
/// </summary>
/// <remarks>
/// Memory and time are bounded: an instruction makes at most one small object, no instruction loops, and there are at most
/// <see cref="MaximumInstructions"/>; the weights of a network of 1,202 layers with its optimizer take about 800,000.
/// </remarks>
internal sealed class PickleReader
{
    /// <summary>How long a pickle may be, in instructions.</summary>
    public const int MaximumInstructions = 4_000_000;

    private const int NewestProtocol = 5;

    private readonly PickleInput _input;
    private readonly IReadOnlyDictionary<string, PickleGlobal> _globals;
    private readonly PickleCall? _loadPersistent;
    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = []; // heights of the stack
    private readonly List<object?> _memo = [];

    private PickleReader(PickleInput input, IReadOnlyDictionary<string, PickleGlobal> globals, PickleCall? loadPersistent)
    {
        _input = input;
        _globals = globals;
        _loadPersistent = loadPersistent;
    }

    /// <summary>Reads one pickle and leaves the stream behind it.</summary>
    /// <param name="input">The bytes.</param>
    /// <param name="globals">The allow-list, by full name.</param>
    /// <param name="loadPersistent">
    /// Turns a tuple into the thing outside the pickle that it identifies; <see langword="null"/>: there are none.
    /// </param>
    /// <exception cref="WeightsFormatException">The bytes are no such pickle, or it names a global that is not allowed.</exception>
    public static object? Read(PickleInput input, IReadOnlyDictionary<string, PickleGlobal> globals, PickleCall? loadPersistent = null) =>
        new PickleReader(input, globals, loadPersistent).Run();

    private object? Run()
    {
        for (var count = 0; count < MaximumInstructions; count++)
        {
            var opcode = (PickleOpcode)_input.ReadByte();
            if (opcode == PickleOpcode.Stop)
                return _marks.Count == 0 && _stack.Count == 1
                    ? _stack[0]
                    : throw _input.Error("expected one value at the end of the pickle, found more or none");
            Execute(opcode);
        }
        throw _input.Error($"expected at most {MaximumInstructions} instructions, found more");
    }

    private void Execute(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Proto: CheckProtocol(_input.ReadByte()); break;
            case PickleOpcode.Frame: _input.Skip(sizeof(long)); break;
            case PickleOpcode.Mark: _marks.Add(_stack.Count); break;

            case PickleOpcode.None: Push(null); break;
            case PickleOpcode.NewTrue: Push(true); break;
            case PickleOpcode.NewFalse: Push(false); break;
            case PickleOpcode.BinInt: Push((long)_input.ReadInt32()); break;
            case PickleOpcode.BinInt1: Push((long)_input.ReadByte()); break;
            case PickleOpcode.BinInt2: Push((long)_input.ReadUInt16()); break;
            case PickleOpcode.Long1: Push(_input.ReadLong()); break;
            case PickleOpcode.BinFloat: Push(_input.ReadDouble()); break;
            case PickleOpcode.BinUnicode: Push(_input.ReadText(_input.ReadUInt32())); break;
            case PickleOpcode.ShortBinUnicode: Push(_input.ReadText(_input.ReadByte())); break;
            case PickleOpcode.BinString: Push(_input.ReadText(_input.ReadInt32(), latin1: true)); break;
            case PickleOpcode.ShortBinString: Push(_input.ReadText(_input.ReadByte(), latin1: true)); break;

            case PickleOpcode.EmptyList: Push(new List<object?>()); break;
            case PickleOpcode.Append: Append([Pop()]); break;
            case PickleOpcode.Appends: Append(PopGroup()); break;
            case PickleOpcode.EmptyDict: Push(new PickleDictionary()); break;
            case PickleOpcode.SetItem: SetItems(PopMany(2)); break;
            case PickleOpcode.SetItems: SetItems(PopGroup()); break;
            case PickleOpcode.EmptyTuple: Push(Array.Empty<object?>()); break;
            case PickleOpcode.Tuple1: Push(PopMany(1)); break;
            case PickleOpcode.Tuple2: Push(PopMany(2)); break;
            case PickleOpcode.Tuple3: Push(PopMany(3)); break;
            case PickleOpcode.Tuple: Push(PopGroup()); break;

            case PickleOpcode.Global: PushGlobal(_input.ReadLine(), _input.ReadLine()); break;
            case PickleOpcode.StackGlobal: PushStackGlobal(PopMany(2)); break;
            case PickleOpcode.Reduce: Call(Pop<object?[]>("a tuple of arguments")); break;
            case PickleOpcode.Build: DropState(); break;
            case PickleOpcode.BinPersistentId: LoadPersistent(Pop<object?[]>("a tuple that identifies a storage")); break;

            case PickleOpcode.BinPut: Remember(_input.ReadByte()); break;
            case PickleOpcode.LongBinPut: Remember(_input.ReadUInt32()); break;
            case PickleOpcode.Memoize: Remember((uint)_memo.Count); break;
            case PickleOpcode.BinGet: Recall(_input.ReadByte()); break;
            case PickleOpcode.LongBinGet: Recall(_input.ReadUInt32()); break;

            default: throw _input.Error($"expected an instruction that files with weights use, found the opcode 0x{(byte)opcode:X2}");
        }
    }

    private void CheckProtocol(byte version)
    {
        if (version > NewestProtocol)
            throw _input.Error($"expected pickle protocol 2 to {NewestProtocol}, found {version}");
    }

    private void PushGlobal(string module, string name)
    {
        if (!_globals.TryGetValue($"{module}.{name}", out var global))
            throw _input.Error(
                $"the file asks for the global {UntrustedText.Quote($"{module}.{name}")}, which is forbidden: only tensors, containers, "
                + "numbers and texts are read, and no code in a file is ever run. Save model.state_dict() in Python, not the model itself");
        Push(global);
    }

    private void PushStackGlobal(object?[] moduleAndName)
    {
        if (moduleAndName is not [string module, string name])
            throw _input.Error("expected the module and the name of a global, found other objects");
        PushGlobal(module, name);
    }

    private void Call(object?[] arguments)
    {
        var global = Pop<PickleGlobal>("a function to call");
        if (global.Call is null)
            throw _input.Error($"expected a function to call, found {global}");
        Push(global.Call(arguments, problem => _input.Error($"{problem} in a call of {global}")));
    }

    private void LoadPersistent(object?[] identity) => Push(_loadPersistent is not null
        ? _loadPersistent(identity, _input.Error)
        : throw _input.Error("expected no reference to an object outside this pickle, found one"));

    /// <summary>
    /// PyTorch gives a state dictionary an attribute <c>_metadata</c> with layer versions; no layer of a residual network needs it.
    /// </summary>
    private void DropState()
    {
        Pop();
        Top<PickleDictionary>("a dictionary that gets attributes");
    }

    private void Append(object?[] values) => Top<List<object?>>("a list to append to").AddRange(values);

    private void SetItems(object?[] keysAndValues)
    {
        var dictionary = Top<PickleDictionary>("a dictionary to set items of");
        if (keysAndValues.Length % 2 != 0)
            throw _input.Error("expected keys with values, found a key without a value");
        for (var i = 0; i < keysAndValues.Length; i += 2)
        {
            if (!dictionary.TrySet(keysAndValues[i], keysAndValues[i + 1]))
                throw _input.Error("expected texts and integers as keys of a dictionary, found another key");
        }
    }

    private void Remember(uint number)
    {
        var top = Top();
        if (number > _memo.Count)
            throw _input.Error($"expected objects to be remembered in order, at most as number {_memo.Count}; found {number}");
        if (number == _memo.Count)
            _memo.Add(top);
        else
            _memo[(int)number] = top;
    }

    private void Recall(uint number)
        => Push(number < _memo.Count
        ? _memo[(int)number]
        : throw _input.Error($"expected a remembered object, found none with number {number}"));

    private void Push(object? value) => _stack.Add(value);

    private object? Top() => Height > 0 ? _stack[^1] : throw _input.Error("expected an object on the stack, found none");

    private T Top<T>(string expected) where T : class => Top() as T ?? throw _input.Error($"expected {expected}, found another object");

    private object? Pop() => PopMany(1)[0];

    private T Pop<T>(string expected) where T : class => Pop() as T ?? throw _input.Error($"expected {expected}, found another object");

    private object?[] PopMany(int count)
    {
        if (Height < count)
            throw _input.Error($"expected {count} objects on the stack, found {Height}");
        return Cut(_stack.Count - count);
    }

    private object?[] PopGroup()
    {
        if (_marks.Count == 0)
            throw _input.Error("expected the start of a group on the stack, found none");
        var start = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        return Cut(start);
    }

    private object?[] Cut(int start)
    {
        var values = CollectionsMarshal.AsSpan(_stack)[start..].ToArray();
        _stack.RemoveRange(start, values.Length);
        return values;
    }

    /// <summary>How many objects there are above the last mark.</summary>
    private int Height => _stack.Count - (_marks.Count == 0 ? 0 : _marks[^1]);
}
