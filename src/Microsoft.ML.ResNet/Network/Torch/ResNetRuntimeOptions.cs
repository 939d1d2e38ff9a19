namespace Microsoft.ML.ResNet;

/// <summary>
/// How libtorch is set up in this process, and the numerics that are taken where none are given. The set-up happens once, before the first
/// tensor, and every part can be switched off; docs/adr/0005 and 0007 hold the measurements.
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

    /// <summary>
    /// What trainers take that were given no <see cref="ResNetTrainer.Options.Numerics"/>, and models that are loaded. The default is
    /// <c>new ResNetNumerics()</c>: everything on. Unlike the rest, it may be changed at any time, for what is trained or loaded
    /// afterwards.
    /// </summary>
    public ResNetNumerics Numerics { get; init; } = new();
}
