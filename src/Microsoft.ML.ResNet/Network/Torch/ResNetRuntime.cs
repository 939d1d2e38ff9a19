using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Network.Torch;
using TorchSharp;

namespace Microsoft.ML.ResNet;

/// <summary>
/// How libtorch is set up in this process, and whether models score without it. The set-up happens once, before the first tensor, and
/// every part can be switched off; docs/adr/0005 to 0007 and 0011 hold the measurements.
/// </summary>
public sealed record ResNetRuntimeOptions
{
    /// <summary>
    /// Threads that one operation, or the scoring of one batch, may use; at least 1. The default, <see langword="null"/>, is the smaller of
    /// libtorch's own choice and <see cref="Environment.ProcessorCount"/>, because libtorch does not see the CPU limit of a container. When
    /// the variable
    /// <c>OMP_NUM_THREADS</c> is set, the default leaves it alone.
    /// </summary>
    public int? Threads { get; init; }

    /// <summary>
    /// Whether waiting threads sleep soon instead of spinning for milliseconds (Linux; <c>GOMP_SPINCOUNT=10000</c>). On by default;
    /// the variables <c>GOMP_SPINCOUNT</c> and <c>OMP_WAIT_POLICY</c>, when set, win.
    /// </summary>
    public bool BoundSpinning { get; init; } = true;

    /// <summary>
    /// Whether the allocator keeps large freed blocks for the next step instead of returning them to the system, which would cost
    /// page faults on every step (Linux with glibc). On by default. Resident memory then stays at its peak.
    /// </summary>
    public bool KeepLargeBlocks { get; init; } = true;

    /// <summary>Whether images and convolution weights are stored channels-last, which oneDNN computes faster. On by default.</summary>
    public bool ChannelsLast { get; init; } = true;

    /// <summary>
    /// Whether networks are trained by this library's own kernels where there are some for them: on CPUs with 512-bit vectors, for stems
    /// without pooling, projections as shortcuts, and channels in multiples of 16. On by default; everything else, and a GPU, uses
    /// libtorch.
    /// </summary>
    public bool CpuKernelsForTraining { get; init; } = true;

    /// <summary>
    /// Whether models score with the library's own convolutions, which need AVX2 or AVX-512, instead of libtorch's. On by default; the
    /// probabilities are the same to 1e-5, and libtorch is not loaded for scoring. Read when a model is made or loaded.
    /// </summary>
    public bool CpuKernelsForScoring { get; init; } = true;
}

/// <summary>Sets libtorch up, once for the process. Thread-safe.</summary>
public static partial class ResNetRuntime
{
    private static readonly Lock Gate = new();
    private static ResNetRuntimeOptions _options = new();
    private static bool _started;

    /// <summary>The options in force.</summary>
    public static ResNetRuntimeOptions Options => _options;

    /// <summary>Chooses the options. Call it before the first <c>Fit</c>, <c>Transform</c> or <c>Load</c>.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="ResNetRuntimeOptions.Threads"/> is less than 1.</exception>
    /// <exception cref="InvalidOperationException">libtorch is set up already, with other options.</exception>
    public static void Configure(ResNetRuntimeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Threads is < 1)
            throw new ArgumentOutOfRangeException(nameof(options), options.Threads, "Threads must be at least 1, or null for the default.");
        lock (Gate)
        {
            if (_started && _options != options)
                throw new InvalidOperationException(
                    $"libtorch is set up already, with {_options}. Call {nameof(ResNetRuntime)}.{nameof(Configure)} before the first Fit, "
                    + "Transform or Load.");
            _options = options;
        }
    }

    /// <summary>Threads that score a batch without libtorch: as many as libtorch would be given.</summary>
    internal static int ThreadsForScoring
        => _options.Threads
            ?? (int.TryParse(Environment.GetEnvironmentVariable("OMP_NUM_THREADS"), out var threads) && threads > 0
            ? threads
            : Environment.ProcessorCount);

    /// <summary>Sets libtorch up unless that is done.</summary>
    /// <exception cref="InvalidOperationException">
    /// libtorch is not there or does not load; the message names the package to add.
    /// </exception>
    internal static void EnsureStarted()
    {
        lock (Gate)
        {
            if (_started)
                return;
            if (_options.BoundSpinning)
                LibC.BoundSpinning();
            if (_options.KeepLargeBlocks)
                LibC.KeepLargeBlocks();
            LoadLibTorch();
            if (_options.Threads is not null || Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is null)
                torch.set_num_threads(_options.Threads ?? Math.Min(torch.get_num_threads(), Environment.ProcessorCount));
            _started = true;
        }
    }

    private static void LoadLibTorch()
    {
        // TorchSharp is asked last: where it finds no libtorch, it prints a trace of 25 lines and copies half a gigabyte from the package
        // cache into the application's folder.
        if (LibTorchLibrary.WhyNotLoaded() is { } reason)
            throw new InvalidOperationException(reason);
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
        }
        catch (Exception e)
            when (e is TypeInitializationException or NotSupportedException or DllNotFoundException or BadImageFormatException)
        {
            throw new InvalidOperationException(
                $"libtorch is there, but TorchSharp {LibTorchLibrary.TorchSharpVersion} cannot use it: {e.GetBaseException().Message}", e);
        }
    }

    /// <summary>The few calls into the C library that .NET has no word for. On other systems they do nothing.</summary>
    private static partial class LibC
    {
        private const int TrimThreshold = -1, TopPad = -2, MmapThreshold = -3; // malloc.h: M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD
        private const int MiB = 1024 * 1024;

        public static void BoundSpinning() => OnLinux(() =>
        {
            // Environment.SetEnvironmentVariable changes .NET's copy of the environment; libgomp reads the C library's.
            if (Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null)
                _ = SetEnvironmentVariable("GOMP_SPINCOUNT", "10000", overwrite: 0);
        });

        public static void KeepLargeBlocks() => OnLinux(() =>
        {
            _ = SetMallocOption(MmapThreshold, 32 * MiB); // the largest that glibc accepts
            _ = SetMallocOption(TrimThreshold, int.MaxValue);
            _ = SetMallocOption(TopPad, 64 * MiB);
        });

        private static void OnLinux(Action call)
        {
            if (!OperatingSystem.IsLinux())
                return;
            try
            {
                call();
            }
            catch (EntryPointNotFoundException)
            {
                // A C library other than glibc: nothing to tune.
            }
        }

        [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
        private static partial int SetEnvironmentVariable(string name, string value, int overwrite);

        [LibraryImport("libc", EntryPoint = "mallopt")]
        private static partial int SetMallocOption(int parameter, int value);
    }
}
