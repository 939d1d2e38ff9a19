using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>
/// Refuses libtorch the memory of the n-th tensor, or of all from that on, until this is disposed. libtorch has no allocator that could be
/// changed from here, but its library finds the C library's <c>posix_memalign</c> through a table of addresses, the global offset table,
/// and in that table ours is put in its place. For Linux on 64-bit processors.
/// </summary>
internal sealed unsafe class FailingTorchAllocations : IDisposable
{
    private const string Function = "posix_memalign";
    private const int OutOfMemory = 12, ReadWrite = 3; // ENOMEM; PROT_READ | PROT_WRITE

    // What tensors are made of. oneDNN, in libtorch_cpu.so, asks for its own blocks and ends the process where one is refused.
    private const string Library = "libc10.so";

    private static readonly Lazy<nint[]> Slots = new(() => [.. SlotsOf(Library)]);

    private static delegate* unmanaged<void**, nuint, nuint, int> s_allocate; // the C library's
    private static int s_asked, s_failAt;
    private static bool s_forGood;

    /// <param name="at">The number of the block that is refused, from 1; 0 for none.</param>
    /// <param name="forGood">Whether all later ones are, too.</param>
    public FailingTorchAllocations(int at, bool forGood = false)
    {
        (s_asked, s_failAt, s_forGood) = (0, at, forGood);
        if (s_allocate is null)
            s_allocate = (delegate* unmanaged<void**, nuint, nuint, int>)NativeLibrary.GetExport(NativeLibrary.Load("libc.so.6"), Function);
        Point((nint)(delegate* unmanaged<void**, nuint, nuint, int>)&Allocate);
    }

    /// <summary>Whether a block was refused.</summary>
    public static bool Failed => s_failAt > 0 && Volatile.Read(ref s_asked) >= s_failAt;

    public static void SkipWhereThereAreNone()
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess)
            Assert.Inconclusive("libtorch's allocations are refused through the tables of ELF files, on Linux.");
        Assert.IsNotEmpty(Slots.Value, $"the table of {Library} does not name {Function}");
    }

    public void Dispose() => Point((nint)s_allocate);

    [UnmanagedCallersOnly]
    private static int Allocate(void** block, nuint alignment, nuint bytes)
    {
        var asked = Interlocked.Increment(ref s_asked);
        return s_failAt > 0 && (asked == s_failAt || s_forGood && asked > s_failAt) ? OutOfMemory : s_allocate(block, alignment, bytes);
    }

    private static void Point(nint function)
    {
        foreach (var slot in Slots.Value)
            Volatile.Write(ref Unsafe.AsRef<nint>((void*)slot), function);
    }

    // The addresses of the table's entries for the function: ELF-64 header, program header PT_DYNAMIC, and its relocations.
    private static IEnumerable<nint> SlotsOf(string library)
    {
        var start = File.ReadLines("/proc/self/maps").FirstOrDefault(line => line.EndsWith($"/{library}", StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"{library} is not loaded.");
        var image = nint.Parse(start.AsSpan(0, start.IndexOf('-', StringComparison.Ordinal)), NumberStyles.HexNumber,
            CultureInfo.InvariantCulture);
        var slots = new List<nint>();
        var header = (byte*)image;
        var programs = image + *(nint*)(header + 0x20);
        for (var i = 0; i < *(ushort*)(header + 0x38); i++)
        {
            var program = (byte*)programs + i * *(ushort*)(header + 0x36);
            if (*(int*)program == 2) // PT_DYNAMIC
                Collect(image, (nint*)(image + *(nint*)(program + 0x10)), slots);
        }
        return slots;
    }

    private static void Collect(nint image, nint* dynamic, List<nint> slots)
    {
        const int strings = 5, symbols = 6, relocations = 7, relocationsSize = 8, jumps = 23, jumpsSize = 2;
        var table = new Dictionary<nint, nint>();
        for (; dynamic[0] != 0; dynamic += 2)
            table[dynamic[0]] = dynamic[1];
        foreach (var (first, size) in new[] { (relocations, relocationsSize), (jumps, jumpsSize) })
            if (table.TryGetValue(first, out var entries))
                for (var entry = Address(entries); entry < Address(entries) + table[size]; entry += 24)
                {
                    var symbol = Address(table[symbols]) + (nint)(*(ulong*)(entry + 8) >> 32) * 24;
                    var name = (byte*)Address(table[strings]) + *(uint*)symbol;
                    if (!MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name).SequenceEqual(Encoding.ASCII.GetBytes(Function)))
                        continue;
                    var slot = image + *(nint*)entry;
                    var page = slot & ~(nint)(Environment.SystemPageSize - 1); // the loader has made it read-only
                    if (MProtect(page, (nuint)Environment.SystemPageSize, ReadWrite) == 0)
                        slots.Add(slot);
                }

        nint Address(nint value) => value < image ? image + value : value; // most loaders have added the start already
    }

    [DllImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int MProtect(nint address, nuint length, int protection);
}
