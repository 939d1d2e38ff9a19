using System.IO.MemoryMappedFiles;
using System.Text;

namespace Microsoft.ML.ResNet.Fuzzing;

/// <summary>
/// Remembers, in a file that outlives the process, the input that a reader is working on, and ends the process when one does not come
/// back. The next process finds there what the last one died of.
/// </summary>
internal sealed class FlightRecorder : IDisposable
{
    private const int Capacity = 1 << 20, NameAt = 8, LengthAt = 72, InputAt = 80, LongestName = LengthAt - NameAt;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90); // of wall clock, on machines that do much else

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _memory;
    private readonly Timer _watch;
    private long _started; // in milliseconds; 0: nothing is going on

    /// <summary>Opens or makes the file.</summary>
    public FlightRecorder(string path)
    {
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.OpenOrCreate, null, Capacity);
        _memory = _file.CreateViewAccessor();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Forgive();
        _watch = new(_ => Watch(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    /// <summary>What the process that last used the file did not finish; <see langword="null"/> if there is nothing.</summary>
    public Finding? TakeUnfinished()
    {
        var state = _memory.ReadInt64(0);
        if (state == 0)
            return null;
        var name = new byte[LongestName];
        _memory.ReadArray(NameAt, name, 0, LongestName);
        var input = new byte[_memory.ReadInt32(LengthAt)];
        _memory.ReadArray(InputAt, input, 0, input.Length);
        _memory.Write(0, 0L);
        return state == 1
            ? new(Encoding.ASCII.GetString(name).TrimEnd('\0'), "death", input, "The process died.")
            : new(Encoding.ASCII.GetString(name).TrimEnd('\0'), "hang", input, $"The reader had not come back after {Patience}.");
    }

    public void Begin(FuzzTarget target, byte[] input)
    {
        var name = new byte[LongestName];
        Encoding.ASCII.GetBytes(target.Name, name);
        _memory.WriteArray(NameAt, name, 0, LongestName);
        _memory.Write(LengthAt, input.Length);
        _memory.WriteArray(InputAt, input, 0, input.Length);
        _memory.Write(0, 1L);
        Volatile.Write(ref _started, Environment.TickCount64);
    }

    public void End()
    {
        Volatile.Write(ref _started, 0);
        _memory.Write(0, 0L);
    }

    public void Dispose()
    {
        _watch.Dispose();
        _memory.Dispose();
        _file.Dispose();
    }

    // A process that is told to end has not died of what it was doing.
    private void Forgive()
    {
        if (_memory.CanWrite && _memory.ReadInt64(0) == 1)
            _memory.Write(0, 0L);
    }

    private void Watch()
    {
        var started = Volatile.Read(ref _started);
        if (started == 0 || Environment.TickCount64 - started < Patience.TotalMilliseconds)
            return;
        _memory.Write(0, 2L);
        Environment.Exit(3);
    }
}
