namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>
/// The instructions of Python's pickle that files with weights use (protocols 2 to 5). The others (the texts of protocol 0, the registry
/// of extensions, buffers outside the pickle) are unknown to <see cref="PickleReader"/>. Numbers that follow an opcode are little-endian
/// except in <see cref="BinFloat"/>.
/// </summary>
internal enum PickleOpcode : byte
{
    /// <summary>Starts a group on the stack.</summary>
    Mark = (byte)'(',

    /// <summary>Ends the pickle; its value is the one thing left on the stack.</summary>
    Stop = (byte)'.',

    /// <summary>A version byte follows.</summary>
    Proto = 0x80,

    /// <summary>An <c>int64</c> length of the following frame, which carries no meaning of its own.</summary>
    Frame = 0x95,

    /// <summary>Pushes None.</summary>
    None = (byte)'N',

    /// <summary>Pushes True.</summary>
    NewTrue = 0x88,

    /// <summary>Pushes False.</summary>
    NewFalse = 0x89,

    /// <summary>Pushes an <c>int32</c>.</summary>
    BinInt = (byte)'J',

    /// <summary>Pushes a <c>uint8</c>.</summary>
    BinInt1 = (byte)'K',

    /// <summary>Pushes a <c>uint16</c>.</summary>
    BinInt2 = (byte)'M',

    /// <summary>Pushes a two's complement integer whose length in bytes is a <c>uint8</c>.</summary>
    Long1 = 0x8A,

    /// <summary>Pushes a two's complement integer whose length in bytes is an <c>int32</c>.</summary>
    Long4 = 0x8B,

    /// <summary>Pushes a big-endian <c>float64</c>.</summary>
    BinFloat = (byte)'G',

    /// <summary>Pushes UTF-8 text with a <c>uint32</c> length.</summary>
    BinUnicode = (byte)'X',

    /// <summary>Pushes UTF-8 text with a <c>uint8</c> length.</summary>
    ShortBinUnicode = 0x8C,

    /// <summary>Pushes UTF-8 text with a <c>uint64</c> length.</summary>
    BinUnicode8 = 0x8D,

    /// <summary>Pushes bytes with a <c>uint32</c> length; here, passes over them.</summary>
    BinBytes = (byte)'B',

    /// <summary>Pushes bytes with a <c>uint8</c> length; here, passes over them.</summary>
    ShortBinBytes = (byte)'C',

    /// <summary>Pushes bytes with a <c>uint64</c> length; here, passes over them.</summary>
    BinBytes8 = 0x8E,

    /// <summary>Pushes a byte array with a <c>uint64</c> length; here, passes over it.</summary>
    ByteArray8 = 0x96,

    /// <summary>Pushes the text of a Python 2 program, Latin-1 with an <c>int32</c> length.</summary>
    BinString = (byte)'T',

    /// <summary>Pushes the text of a Python 2 program, Latin-1 with a <c>uint8</c> length.</summary>
    ShortBinString = (byte)'U',

    /// <summary>Pushes an empty list.</summary>
    EmptyList = (byte)']',

    /// <summary>Appends the top to the list below it.</summary>
    Append = (byte)'a',

    /// <summary>Appends a group to the list below its mark.</summary>
    Appends = (byte)'e',

    /// <summary>Pushes an empty dictionary.</summary>
    EmptyDict = (byte)'}',

    /// <summary>Puts the key and value on top into the dictionary below them.</summary>
    SetItem = (byte)'s',

    /// <summary>Puts a group of keys and values into the dictionary below its mark.</summary>
    SetItems = (byte)'u',

    /// <summary>Pushes an empty set; here, one object for all sets.</summary>
    EmptySet = 0x8F,

    /// <summary>Adds a group to the set below its mark; here, drops it.</summary>
    AddItems = 0x90,

    /// <summary>Makes a frozen set of a group; here, drops it.</summary>
    FrozenSet = 0x91,

    /// <summary>Pushes an empty tuple.</summary>
    EmptyTuple = (byte)')',

    /// <summary>Makes a tuple of the top.</summary>
    Tuple1 = 0x85,

    /// <summary>Makes a tuple of the top two.</summary>
    Tuple2 = 0x86,

    /// <summary>Makes a tuple of the top three.</summary>
    Tuple3 = 0x87,

    /// <summary>Makes a tuple of a group.</summary>
    Tuple = (byte)'t',

    /// <summary>Pushes a global; its module and name follow, each ended by a line feed.</summary>
    Global = (byte)'c',

    /// <summary>Pushes a global whose module and name are on top.</summary>
    StackGlobal = 0x93,

    /// <summary>
    /// Calls the global below the top with the tuple on top; here, by our stand-in for it, or makes an opaque object.
    /// </summary>
    Reduce = (byte)'R',

    /// <summary>Makes an instance of the class below the top with the tuple on top; here, as <see cref="Reduce"/> does.</summary>
    NewObject = 0x81,

    /// <summary>The same with a tuple and a dictionary of arguments; here, the dictionary is dropped.</summary>
    NewObjectEx = 0x92,

    /// <summary>Makes an instance of a class, the first of a group, with the rest as arguments.</summary>
    Object = (byte)'o',

    /// <summary>Makes an instance of the class whose module and name follow, each ended by a line feed, of a group of arguments.</summary>
    Instance = (byte)'i',

    /// <summary>Drops the top.</summary>
    Pop = (byte)'0',

    /// <summary>Drops a group.</summary>
    PopMark = (byte)'1',

    /// <summary>Pushes the top once more.</summary>
    Duplicate = (byte)'2',

    /// <summary>Gives the object below the top the state on top; here, only opaque objects keep it.</summary>
    Build = (byte)'b',

    /// <summary>Replaces the tuple on top by the object outside the pickle that it stands for; here, a storage.</summary>
    BinPersistentId = (byte)'Q',

    /// <summary>Remembers the top under a <c>uint8</c> number.</summary>
    BinPut = (byte)'q',

    /// <summary>Remembers the top under a <c>uint32</c> number.</summary>
    LongBinPut = (byte)'r',

    /// <summary>Remembers the top under the next number.</summary>
    Memoize = 0x94,

    /// <summary>Pushes what a <c>uint8</c> number remembers.</summary>
    BinGet = (byte)'h',

    /// <summary>Pushes what a <c>uint32</c> number remembers.</summary>
    LongBinGet = (byte)'j',
}
