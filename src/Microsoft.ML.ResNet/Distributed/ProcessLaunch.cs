using System.Globalization;

namespace Microsoft.ML.ResNet;

/// <summary>What a launcher of many processes tells each of them: which of them it is, and how many there are.</summary>
public sealed record ProcessLaunch
{
    internal ProcessLaunch(int rank, int size, string launcher, int? localRank = null)
        => (Rank, Size, Launcher, LocalRank) = (rank, size, launcher, localRank);

    /// <summary>Which process this is, from 0 to below <see cref="Size"/>.</summary>
    public int Rank { get; }

    /// <summary>How many processes were started together; at least 1.</summary>
    public int Size { get; }

    /// <summary>Which process of this machine's it is, from 0; <see langword="null"/> where the launcher does not say.</summary>
    internal int? LocalRank { get; }

    /// <summary>Who started them, as in <c>Open MPI's mpirun</c>.</summary>
    public string Launcher { get; }

    /// <summary>Open MPI's launcher.</summary>
    internal const string OpenMpi = "Open MPI's mpirun";

    /// <summary>MPICH's launcher.</summary>
    internal const string Mpich = "MPICH's mpirun";

    /// <summary>PyTorch's launcher.</summary>
    internal const string Torchrun = "torchrun";

    private const string SlurmStep = "SLURM_STEP_ID";

    // The first that is there counts: mpirun within a Slurm job, say, knows better than Slurm. Slurm's own variables are those of a step,
    // which srun starts: the script of a job, or a shell within it, has their number of tasks too, and is none of them.
    private static readonly (string Rank, string Size, string LocalRank, string? Needs, string Launcher)[] Variables =
    [
        ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", null, OpenMpi),
        ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", null, Mpich),
        ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", SlurmStep, "Slurm's srun"),
        ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", Torchrun),
    ];

    /// <summary>
    /// Reads the environment that <c>mpirun</c> of Open MPI and of MPICH, <c>srun</c> and <c>torchrun</c> give their processes.
    /// </summary>
    /// <returns>What it says; <see langword="null"/> where no launcher has started the process, and where Slurm runs one task.</returns>
    /// <exception cref="InvalidOperationException">A launcher's variables contradict each other.</exception>
    public static ProcessLaunch? Find() => Find(Environment.GetEnvironmentVariable);

    /// <summary>Reads an environment.</summary>
    /// <param name="variable">Gives a variable's value; <see langword="null"/> where there is none.</param>
    internal static ProcessLaunch? Find(Func<string, string?> variable)
    {
        foreach (var (rankName, sizeName, localName, needs, launcher) in Variables)
        {
            if (variable(rankName) is not { } rankText || variable(sizeName) is not { } sizeText)
                continue;
            if (needs is not null && variable(needs) is null)
                continue;
            if (!(Number(rankText) is { } rank && Number(sizeText) is { } size && rank < size))
                throw new InvalidOperationException(
                    $"The environment says {rankName}={rankText} and {sizeName}={sizeText}, as {launcher} would; expected a rank from 0 to "
                    + $"below the size. Unset both to run one process, or start the processes by {launcher}.");
            if (size == 1 && needs == SlurmStep)
                continue;
            return new ProcessLaunch(rank, size, launcher, Number(variable(localName) ?? "") ?? LocalRankOfSlurm(variable, rank, size));
        }
        return null;
    }

    // srun --mpi=pmi2 starts ranks itself and gives them PMI_RANK and PMI_SIZE, but no MPI_LOCALRANKID. Where mpirun has started them
    // within a step, Slurm's variables are those of its helper: rank and size tell that.
    private static int? LocalRankOfSlurm(Func<string, string?> variable, int rank, int size)
        => variable(SlurmStep) is not null
            && Number(variable("SLURM_PROCID") ?? "") == rank && Number(variable("SLURM_NTASKS") ?? "") == size
            ? Number(variable("SLURM_LOCALID") ?? "")
            : null;

    /// <summary>As in <c>rank 3 of 16, started by Open MPI's mpirun</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"rank {Rank} of {Size}, started by {Launcher}");

    private static int? Number(string text)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
