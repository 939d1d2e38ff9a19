using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.ResNet.Distributed;

/// <summary>
/// An MPI library of this machine, found by name and told apart by its symbols: Open MPI's handles are addresses of symbols, MPICH's are
/// numbers. Nobody needs a header of either.
/// </summary>
internal sealed unsafe class MpiLibrary
{
    private const string Variable = "RESNET_MPI";
    private const int Now = 2, Global = 0x100; // of dlopen: Open MPI's plug-ins look for its symbols among everybody's
    private const int Serialized = 2; // MPI_THREAD_SERIALIZED: any thread may call, one at a time
    private const int LongestText = 8192; // MPI_MAX_LIBRARY_VERSION_STRING of MPICH; Open MPI's is 256

    private static readonly TimeSpan TimeToAbort = TimeSpan.FromSeconds(10);
    private static readonly string[] OfOpenMpi = ["libmpi.so.40", "libmpi.so.20"], OfMpich = ["libmpich.so.12", "libmpi.so.12"];

    private readonly nint _library, _world, _byte;
    private readonly nint _noStatus;
    private readonly delegate* unmanaged<void*, int, nint, void*, int*, int*, nint, nint, nint*, int> _allGather;
    private readonly delegate* unmanaged<void*, int*, int*, nint, void*, int*, int*, nint, nint, nint*, int> _allToAll;
    private readonly delegate* unmanaged<nint*, int*, nint, int> _test;

    private MpiLibrary(nint library)
    {
        _library = library;
        if (NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out var world))
            (_world, _byte) = (world, NativeLibrary.GetExport(library, "ompi_mpi_byte"));
        else
            (_world, _byte, _noStatus) = (0x44000000, 0x4c00010d, 1); // the binary interface that MPICH, Intel MPI and MVAPICH share
        _allGather = (delegate* unmanaged<void*, int, nint, void*, int*, int*, nint, nint, nint*, int>)Function("MPI_Iallgatherv");
        _allToAll = (delegate* unmanaged<void*, int*, int*, nint, void*, int*, int*, nint, nint, nint*, int>)Function("MPI_Ialltoallv");
        _test = (delegate* unmanaged<nint*, int*, nint, int>)Function("MPI_Test");
        Name = Version();
    }

    /// <summary>Name and version, as the library tells them.</summary>
    public string Name { get; }

    /// <summary>Finds the library that fits a launcher.</summary>
    /// <exception cref="InvalidOperationException">There is none; the message says what was looked for.</exception>
    public static MpiLibrary Load(ProcessLaunch launch)
    {
        if (launch.Launcher == ProcessLaunch.Torchrun)
            throw new InvalidOperationException($"This is {launch}, which starts no MPI. Start the processes by mpirun or srun.");
        string[] names = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } file ? [file]
            : launch.Launcher == ProcessLaunch.OpenMpi ? OfOpenMpi
            : launch.Launcher == ProcessLaunch.Mpich ? OfMpich
            : [.. OfOpenMpi, .. OfMpich];
        foreach (var name in names)
            if (Open(name) is var library and not 0 && NativeLibrary.TryGetExport(library, "MPI_Init_thread", out _))
                return new MpiLibrary(library);
        throw new InvalidOperationException($"This is {launch}, but no MPI library was found: looked for {string.Join(", ", names)}. "
            + $"Install openmpi-bin or mpich, that of the launcher, or name the library's file in the variable {Variable}.");
    }

    /// <summary>Joins the processes that were started together; once in the life of a process.</summary>
    /// <exception cref="InvalidOperationException">The library cannot be called from several threads in turn.</exception>
    public void Start()
    {
        int isStarted = 0, provided = Serialized;
        ((delegate* unmanaged<int*, int>)Function("MPI_Initialized"))(&isStarted);
        if (isStarted == 0)
            Check(((delegate* unmanaged<int*, void*, int, int*, int>)Function("MPI_Init_thread"))(null, null, Serialized, &provided),
                "MPI_Init_thread");
        if (provided < Serialized)
            throw new InvalidOperationException($"{Name} cannot be called from several threads in turn (it grants level {provided} of "
                + $"threads; expected {Serialized}). Use a build of it with threads.");
    }

    /// <summary>The rank of this process.</summary>
    public int Rank() => Number("MPI_Comm_rank");

    /// <summary>How many processes there are.</summary>
    public int Size() => Number("MPI_Comm_size");

    /// <summary>Begins MPI_Iallgatherv of bytes; memory must stay where it is until <see cref="IsDone"/>.</summary>
    /// <returns>The request.</returns>
    public nint AllGather(byte* own, int length, byte* all, int* lengths, int* offsets)
    {
        nint request = 0;
        Check(_allGather(own, length, _byte, all, lengths, offsets, _byte, _world, &request), "MPI_Iallgatherv");
        return request;
    }

    /// <summary>Begins MPI_Ialltoallv of bytes; memory must stay where it is until <see cref="IsDone"/>.</summary>
    /// <returns>The request.</returns>
    public nint AllToAll(byte* send, int* sendLengths, int* sendOffsets, byte* receive, int* receiveLengths, int* receiveOffsets)
    {
        nint request = 0;
        Check(_allToAll(send, sendLengths, sendOffsets, _byte, receive, receiveLengths, receiveOffsets, _byte, _world, &request),
            "MPI_Ialltoallv");
        return request;
    }

    /// <summary>Works on what has begun, and tells whether it is done.</summary>
    public bool IsDone(ref nint request)
    {
        var isDone = 0;
        fixed (nint* pointer = &request)
            Check(_test(pointer, &isDone, _noStatus), "MPI_Test");
        return isDone != 0;
    }

    /// <summary>
    /// Ends all processes. Where the network has parted this one from its launcher, MPICH waits for ever for an answer: then it ends alone.
    /// </summary>
    public void Abort()
    {
        new Thread(static () =>
        {
            Thread.Sleep(TimeToAbort);
            Process.GetCurrentProcess().Kill();
        })
        { IsBackground = true }.Start();
        ((delegate* unmanaged<nint, int, int>)Function("MPI_Abort"))(_world, 1);
    }

    /// <summary>Waits for all processes and leaves.</summary>
    public void Finish() => ((delegate* unmanaged<int>)Function("MPI_Finalize"))();

    /// <summary>Sleeps for less than .NET can: some ten microseconds.</summary>
    public static void Nap()
    {
        if (OperatingSystem.IsWindows())
            Thread.Sleep(0);
        else
            _ = Sleep(20);
    }

    [DllImport("libc", EntryPoint = "usleep")]
    private static extern int Sleep(uint microseconds);

    private static nint Open(string name)
    {
        if (OperatingSystem.IsWindows())
            return NativeLibrary.TryLoad(name, out var library) ? library : 0;
        fixed (byte* text = Encoding.UTF8.GetBytes(name + '\0'))
            return OpenShared(text, Now | Global);
    }

    [DllImport("libc", EntryPoint = "dlopen")]
    private static extern nint OpenShared(byte* name, int flags);

    private void* Function(string name) => (void*)NativeLibrary.GetExport(_library, name);

    private int Number(string function)
    {
        var number = 0;
        Check(((delegate* unmanaged<nint, int*, int>)Function(function))(_world, &number), function);
        return number;
    }

    // The first line; Open MPI's ends with its builder and its date, MPICH's has a tab in it.
    private string Version()
    {
        var length = 0;
        var text = stackalloc byte[LongestText];
        Check(((delegate* unmanaged<byte*, int*, int>)Function("MPI_Get_library_version"))(text, &length), "MPI_Get_library_version");
        return string.Join(' ', Encoding.UTF8.GetString(text, length).Split('\n', ',', '\0')[0]
            .Split((char[])[' ', '\t', ':'], StringSplitOptions.RemoveEmptyEntries));
    }

    private static void Check(int code, string function)
    {
        if (code != 0)
            throw new IOException($"{function} has failed with code {code}. Look at the launcher's messages.");
    }
}
