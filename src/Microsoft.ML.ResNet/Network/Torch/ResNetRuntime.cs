using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Network.Torch;
using TorchSharp;

namespace Microsoft.ML.ResNet;

/// <summary>Sets libtorch up, once for the process. Thread-safe.</summary>
public static partial class ResNetRuntime
{
    private static readonly Lock Gate = new();
    private static ResNetRuntimeOptions _options = new();
    private static bool _started;

    /// <summary>The options in force.</summary>
    public static ResNetRuntimeOptions Options => _options;

    /// <summary>
    /// Chooses the options. Call it before the first <c>Fit</c>, <c>Transform</c> or <c>Load</c>; afterwards only
    /// <see cref="ResNetRuntimeOptions.Numerics"/> may change.
    /// </summary>
    /// <param name="options">The options.</param>
    /// <exception cref="ArgumentNullException">
    /// <paramref name="options"/> or its <see cref="ResNetRuntimeOptions.Numerics"/> are <see langword="null"/>.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="ResNetRuntimeOptions.Threads"/> is less than 1.</exception>
    /// <exception cref="InvalidOperationException">libtorch is set up already, with other options.</exception>
    public static void Configure(ResNetRuntimeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(options.Numerics, nameof(options));
        if (options.Threads is < 1)
            throw new ArgumentOutOfRangeException(nameof(options), options.Threads, "Threads must be at least 1, or null for the default.");
        lock (Gate)
        {
            if (_started && _options with { Numerics = options.Numerics } != options)
                throw new InvalidOperationException(
                    $"libtorch is set up already, with {_options}. Call {nameof(ResNetRuntime)}.{nameof(Configure)} before the first Fit, "
                    + "Transform or Load.");
            _options = options;
            ScoringThreads.Chosen = options.Threads;
        }
    }

    /// <summary>
    /// Sets libtorch up, unless that is done. <c>Fit</c> does so itself; an application that calls this before hears at once, and not after
    /// its data was looked at, that it cannot train.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// libtorch is not there or does not load; the message names the package to add.
    /// </exception>
    public static void EnsureStarted()
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
