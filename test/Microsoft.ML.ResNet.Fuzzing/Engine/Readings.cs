using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Fuzzing;

/// <summary>What one input has cost.</summary>
/// <param name="Time">By the clock on the wall.</param>
/// <param name="Allocated">Managed memory that its thread took, alive or not, in bytes.</param>
internal readonly record struct Cost(TimeSpan Time, long Allocated)
{
    /// <summary>Measures a reader.</summary>
    public static Cost Of(Func<byte[], Outcome> read, byte[] input, out Outcome outcome)
    {
        var (start, before) = (Stopwatch.GetTimestamp(), GC.GetAllocatedBytesForCurrentThread());
        outcome = read(input);
        return new(Stopwatch.GetElapsedTime(start), GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>Whether it is within a reader's limits.</summary>
    public bool Fits(FuzzTarget target, int length, out string kind)
    {
        kind = Time > target.TimeLimit ? "time" : "memory";
        return Time <= target.TimeLimit && Allocated <= target.MemoryBase + target.MemoryPerByte * length;
    }

    public override string ToString() => FormattableString.Invariant($"{Time.TotalMilliseconds:n1} ms, {Allocated:n0} bytes allocated");
}

/// <summary>The most memory that the process has had, native memory included.</summary>
internal static partial class PeakMemory
{
    private const int MaxRss = 4, Words = 18; // of struct rusage: two time values of two words each, then ru_maxrss

    /// <summary>In bytes; 0 where the system does not tell.</summary>
    public static long Bytes
    {
        get
        {
            Span<long> usage = stackalloc long[Words];
            return OperatingSystem.IsLinux() && GetUsage(0, usage) == 0 ? usage[MaxRss] << 10 : 0;
        }
    }

    [LibraryImport("libc", EntryPoint = "getrusage")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int GetUsage(int who, Span<long> usage);
}
