namespace Microsoft.ML.ResNet.Tests.Distributed;

[TestClass]
public class ProcessLaunchTests
{
    [TestMethod]
    [DataRow("OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=0", 2, 4, "Open MPI's mpirun", 0)]
    [DataRow("PMI_RANK=0 PMI_SIZE=3", 0, 3, "MPICH's mpirun", null)]
    [DataRow("PMI_RANK=5 PMI_SIZE=8 MPI_LOCALRANKID=1", 5, 8, "MPICH's mpirun", 1)]
    [DataRow("SLURM_PROCID=7 SLURM_NTASKS=8 SLURM_STEP_ID=0 SLURM_LOCALID=3", 7, 8, "Slurm's srun", 3)]
    [DataRow("RANK=1 WORLD_SIZE=2 LOCAL_RANK=1 MASTER_ADDR=localhost MASTER_PORT=29500", 1, 2, "torchrun", 1)]
    [DataRow("OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 SLURM_PROCID=0 SLURM_NTASKS=8 SLURM_STEP_ID=3 SLURM_LOCALID=0", 1, 2,
        "Open MPI's mpirun", null)]
    [DataRow("PMI_RANK=5 PMI_SIZE=8 SLURM_PROCID=5 SLURM_NTASKS=8 SLURM_STEP_ID=0 SLURM_LOCALID=1", 5, 8, "MPICH's mpirun", 1,
        DisplayName = "srun --mpi=pmi2")]
    [DataRow("PMI_RANK=5 PMI_SIZE=8 SLURM_PROCID=1 SLURM_NTASKS=2 SLURM_STEP_ID=0 SLURM_LOCALID=0", 5, 8, "MPICH's mpirun", null,
        DisplayName = "mpirun, whose helpers srun has started")]
    [DataRow("PMI_RANK=1 PMI_SIZE=2 SLURM_PROCID=1 SLURM_NTASKS=2 SLURM_LOCALID=1", 1, 2, "MPICH's mpirun", null,
        DisplayName = "mpirun within the script of a job")]
    [DataRow("OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=1", 0, 1, "Open MPI's mpirun", null)]
    public void Each_launcher_is_understood(string environment, int rank, int size, string launcher, int? localRank)
        => Assert.AreEqual(new ProcessLaunch(rank, size, launcher, localRank), Find(environment));

    [TestMethod]
    [DataRow(null, 0, 4, 0)]
    [DataRow(null, 3, 4, 3)]
    [DataRow(null, 5, 4, 1, DisplayName = "more ranks than devices share them")]
    [DataRow(null, 2, 0, 0, DisplayName = "no device")]
    [DataRow(2, 3, 4, 2, DisplayName = "a device that was asked for")]
    public void The_ranks_of_a_machine_take_its_devices_in_turn(int? wanted, int localRank, int devices, int index)
        => Assert.AreEqual(index, ComputeDevices.IndexOf(wanted, localRank, devices));

    [TestMethod]
    [DataRow("")]
    [DataRow("OMPI_COMM_WORLD_RANK=0")]
    [DataRow("SLURM_NTASKS=8", DisplayName = "a shell within salloc")]
    [DataRow("SLURM_PROCID=0 SLURM_NTASKS=8", DisplayName = "the script of a job")]
    [DataRow("SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_STEP_ID=0")]
    [DataRow("RANK=colonel WORLD_SIZE=2", DisplayName = "somebody else's variables")]
    public void A_process_of_its_own_has_no_launcher(string environment) => Assert.IsNull(Find(environment));

    [TestMethod]
    [DataRow("OMPI_COMM_WORLD_RANK=4 OMPI_COMM_WORLD_SIZE=4")]
    [DataRow("PMI_RANK=-1 PMI_SIZE=4")]
    [DataRow("PMI_RANK=one PMI_SIZE=4")]
    public void A_contradiction_names_the_variables(string environment)
    {
        var exception = Assert.ThrowsExactly<InvalidOperationException>(() => Find(environment));

        foreach (var pair in environment.Split(' '))
            Assert.Contains(pair, exception.Message);
    }

    private static ProcessLaunch? Find(string environment)
    {
        var variables = environment.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('='))
            .ToDictionary(pair => pair[0], pair => pair[1]);
        return ProcessLaunch.Find(variables.GetValueOrDefault);
    }
}
