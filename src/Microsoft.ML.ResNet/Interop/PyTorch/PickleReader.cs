using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>
/// Reads Python's pickle, a program for a stack machine, without being able to run code: a few globals, which tensors need, stand for
/// functions of ours, and all others are names; what a pickle makes by them is a <see cref="PickleObject"/>. What comes out is made of
/// <see langword="null"/>, <see cref="bool"/>, <see cref="long"/>, <see cref="System.Numerics.BigInteger"/>, <see cref="double"/>,
/// <see cref="string"/>, <c>object?[]</c> (a tuple), <c>List&lt;object?&gt;</c>, <see cref="PickleDictionary"/>,
/// <see cref="PickleGlobal"/>, <see cref="PickleObject"/>, and what those functions return. It may contain itself: walk it with care.
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
    private const int LongestKnownName = 100; // spares the look-up of longer ones, of which a hostile file can have millions

    /// <summary>Stands for all bytes, sets and long integers: values that no tensor is made of.</summary>
    private static readonly PickleObject Ignored = new(new PickleGlobal("builtins", "bytes"));

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
    /// <param name="globals">Our stand-ins, by full name.</param>
    /// <param name="loadPersistent">
    /// Turns a tuple into the thing outside the pickle that it identifies; <see langword="null"/>: there are none.
    /// </param>
    /// <exception cref="WeightsFormatException">
    /// The bytes are no such pickle, or it gives a stand-in other arguments than it takes.
    /// </exception>
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
            case PickleOpcode.Long4: PassOver(_input.ReadInt32()); break;
            case PickleOpcode.BinFloat: Push(_input.ReadDouble()); break;
            case PickleOpcode.BinUnicode: Push(_input.ReadText(_input.ReadUInt32())); break;
            case PickleOpcode.ShortBinUnicode: Push(_input.ReadText(_input.ReadByte())); break;
            case PickleOpcode.BinUnicode8: Push(_input.ReadText(_input.ReadLength())); break;
            case PickleOpcode.BinBytes: PassOver(_input.ReadUInt32()); break;
            case PickleOpcode.ShortBinBytes: PassOver(_input.ReadByte()); break;
            case PickleOpcode.BinBytes8 or PickleOpcode.ByteArray8: PassOver(_input.ReadLength()); break;
            case PickleOpcode.BinString: Push(_input.ReadText(_input.ReadInt32(), latin1: true)); break;
            case PickleOpcode.ShortBinString: Push(_input.ReadText(_input.ReadByte(), latin1: true)); break;

            case PickleOpcode.EmptyList: Push(new List<object?>()); break;
            case PickleOpcode.Append: Append([Pop()]); break;
            case PickleOpcode.Appends: Append(PopGroup()); break;
            case PickleOpcode.EmptyDict: Push(new PickleDictionary()); break;
            case PickleOpcode.SetItem: SetItems(PopMany(2)); break;
            case PickleOpcode.SetItems: SetItems(PopGroup()); break;
            case PickleOpcode.EmptySet: Push(Ignored); break;
            case PickleOpcode.AddItems: PopGroup(); Top(); break;
            case PickleOpcode.FrozenSet: PopGroup(); Push(Ignored); break;
            case PickleOpcode.EmptyTuple: Push(Array.Empty<object?>()); break;
            case PickleOpcode.Tuple1: Push(PopMany(1)); break;
            case PickleOpcode.Tuple2: Push(PopMany(2)); break;
            case PickleOpcode.Tuple3: Push(PopMany(3)); break;
            case PickleOpcode.Tuple: Push(PopGroup()); break;

            case PickleOpcode.Global: Push(FindGlobal(_input.ReadLine(), _input.ReadLine())); break;
            case PickleOpcode.StackGlobal: PushStackGlobal(PopMany(2)); break;
            case PickleOpcode.Reduce or PickleOpcode.NewObject: Call(Pop<object?[]>("a tuple of arguments")); break;
            case PickleOpcode.NewObjectEx: Pop(); Call(Pop<object?[]>("a tuple of arguments")); break;
            case PickleOpcode.Object: CallFirst(PopGroup()); break;
            case PickleOpcode.Instance: PopGroup(); Push(new PickleObject(FindGlobal(_input.ReadLine(), _input.ReadLine()))); break;
            case PickleOpcode.Build: SetState(); break;
            case PickleOpcode.Pop: Drop(); break;
            case PickleOpcode.PopMark: PopGroup(); break;
            case PickleOpcode.Duplicate: Push(Top()); break;
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

    private PickleGlobal FindGlobal(string module, string name)
        => module.Length + name.Length <= LongestKnownName && _globals.GetValueOrDefault($"{module}.{name}") is { } known
            ? known
            : new PickleGlobal(module, name);

    private void PushStackGlobal(object?[] moduleAndName)
    {
        if (moduleAndName is not [string { Length: <= PickleInput.MaximumLineLength } module,
            string { Length: <= PickleInput.MaximumLineLength } name])
            throw _input.Error("expected the module and the name of a global, found other objects");
        Push(FindGlobal(module, name));
    }

    private void Call(object?[] arguments) => Push(Pop() switch
    {
        PickleGlobal { Call: { } standIn } global => standIn(arguments, problem => _input.Error($"{problem} in a call of {global}")),
        PickleGlobal global => new PickleObject(global),
        PickleObject => new PickleObject(null),
        _ => throw _input.Error("expected a function to call, found another object"),
    });

    private void CallFirst(object?[] classAndArguments) => Push(classAndArguments is [PickleGlobal or PickleObject, ..]
        ? new PickleObject(classAndArguments[0] as PickleGlobal)
        : throw _input.Error("expected a class and its arguments, found other objects"));

    private void PassOver(long count)
    {
        _input.Skip(count);
        Push(Ignored);
    }

    private void LoadPersistent(object?[] identity) => Push(_loadPersistent is not null
        ? _loadPersistent(identity, _input.Error)
        : throw _input.Error("expected no reference to an object outside this pickle, found one"));

    /// <summary>
    /// Only opaque objects keep attributes. PyTorch gives a state dictionary one, <c>_metadata</c> with layer versions, that no layer of a
    /// residual network needs. An object with slots gets a tuple: its attributes by name, and those of the slots.
    /// </summary>
    private void SetState()
    {
        var state = Pop();
        if (Top() is null or bool or long or double or string)
            throw _input.Error("expected an object that gets attributes, found a plain value");
        if (Top() is PickleObject target && target != Ignored)
            target.State = (state is object?[] and [var named, _] ? named : state) as PickleDictionary ?? target.State;
    }

    private void Append(object?[] values)
    {
        if (Top() is List<object?> list)
            list.AddRange(values);
        else if (Top() is not PickleObject) // a kind of list, whose items are not needed
            throw _input.Error("expected a list to append to, found another object");
    }

    private void SetItems(object?[] keysAndValues)
    {
        var dictionary = Top() switch
        {
            PickleDictionary found => found,
            PickleObject found when found != Ignored => found.Items ??= new(),
            _ => throw _input.Error("expected a dictionary to set items of, found another object"),
        };
        if (keysAndValues.Length % 2 != 0)
            throw _input.Error("expected keys with values, found a key without a value");
        for (var i = 0; i < keysAndValues.Length; i += 2)
            dictionary.Set(keysAndValues[i], keysAndValues[i + 1]);
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

    private object? Pop() => PopMany(1)[0];

    private T Pop<T>(string expected) where T : class => Pop() as T ?? throw _input.Error($"expected {expected}, found another object");

    private object?[] PopMany(int count)
    {
        if (Height < count)
            throw _input.Error($"expected {count} objects on the stack, found {Height}");
        return Cut(_stack.Count - count);
    }

    /// <summary>Python's POP: a mark that nothing follows counts as an object.</summary>
    private void Drop()
    {
        if (Height == 0 && _marks.Count > 0)
            _marks.RemoveAt(_marks.Count - 1);
        else
            Pop();
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
