using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Tests.Cpu.Kernels;

/// <summary>Uses an allocator for new buffers until disposed. Tests that use it do not run beside others.</summary>
internal sealed class AllocatorScope : IDisposable
{
    private readonly NativeAllocator _before = NativeAllocator.Current;

    public AllocatorScope(NativeAllocator allocator) => NativeAllocator.Current = allocator;

    public void Dispose() => NativeAllocator.Current = _before;
}

/// <summary>Counts blocks, and refuses one of them, or all from one on. Thread-safe.</summary>
/// <param name="failAt">The number of the block that is refused, from 1; 0 for none.</param>
/// <param name="forGood">Whether all later ones are refused, too.</param>
internal sealed unsafe class CountingAllocator(int failAt = 0, bool forGood = false) : NativeAllocator
{
    private readonly ConcurrentDictionary<nint, long> _live = []; // bytes of each block
    private int _asked;

    /// <summary>Blocks that are neither freed nor refused.</summary>
    public int Live => _live.Count;

    /// <summary>Bytes of these.</summary>
    public long LiveBytes => _live.Values.Sum();

    /// <summary>Whether a block was refused.</summary>
    public bool Failed => failAt > 0 && _asked >= failAt;

    public override void* Allocate(nuint bytes)
    {
        var asked = Interlocked.Increment(ref _asked);
        if (failAt > 0 && (asked == failAt || forGood && asked > failAt))
            throw new InsufficientMemoryException("refused by a test");
        var memory = base.Allocate(bytes);
        _live[(nint)memory] = (long)bytes;
        return memory;
    }

    public override void Free(void* memory)
    {
        _live.TryRemove((nint)memory, out _);
        base.Free(memory);
    }
}

/// <summary>
/// Blocks that end, or begin, at a page that nobody may touch, and hold NaN: a read or write outside ends the process, and one of what was
/// never written shows in the result. So does a use after <see cref="Free"/>.
/// </summary>
/// <param name="below">Whether the page below a block is close, and not the one behind.</param>
internal sealed unsafe class GuardedAllocator(bool below) : NativeAllocator
{
    private const int None = 0, ReadWrite = 3, PrivateAnonymous = 0x22; // of Linux

    private readonly Dictionary<nint, (nint Start, nuint Length)> _mappings = [];

    public static void SkipWhereThereIsNone()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Inconclusive("Guard pages are mapped by Linux's mmap and mprotect here.");
    }

    public override void* Allocate(nuint bytes)
    {
        var page = (nuint)Environment.SystemPageSize;
        var body = (bytes + page - 1) / page * page;
        var start = MMap(0, body + 2 * page, ReadWrite, PrivateAnonymous, -1, 0);
        if (start == -1)
            throw new InsufficientMemoryException();
        NativeMemory.Fill((void*)(start + (nint)page), body, 0xFF);
        if (MProtect(start, page, None) != 0 || MProtect(start + (nint)(page + body), page, None) != 0)
            throw new InvalidOperationException($"mprotect failed: error {Marshal.GetLastPInvokeError()}.");
        var block = start + (nint)(page + (below ? 0 : body - bytes));
        lock (_mappings)
            _mappings.Add(block, (start, body + 2 * page));
        return (void*)block;
    }

    public override void Free(void* memory)
    {
        lock (_mappings)
            if (_mappings.Remove((nint)memory, out var mapping))
                _ = MUnmap(mapping.Start, mapping.Length);
    }

    [DllImport("libc", EntryPoint = "mmap", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint MMap(nint address, nuint length, int protection, int flags, int file, nint offset);

    [DllImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int MProtect(nint address, nuint length, int protection);

    [DllImport("libc", EntryPoint = "munmap", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int MUnmap(nint address, nuint length);
}
