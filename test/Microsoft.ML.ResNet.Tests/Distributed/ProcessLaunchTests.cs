namespace Microsoft.ML.ResNet.Tests.Distributed;

[TestClass]
public class ProcessLaunchTests
{
    [TestMethod]
    [DataRow("OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4", 2, 4, "Open MPI's mpirun")]
    [DataRow("PMI_RANK=0 PMI_SIZE=3", 0, 3, "MPICH's mpirun")]
    [DataRow("SLURM_PROCID=7 SLURM_NTASKS=8 SLURM_STEP_ID=0", 7, 8, "Slurm's srun")]
    [DataRow("RANK=1 WORLD_SIZE=2 LOCAL_RANK=1 MASTER_ADDR=localhost MASTER_PORT=29500", 1, 2, "torchrun")]
    [DataRow("OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 SLURM_PROCID=0 SLURM_NTASKS=8 SLURM_STEP_ID=3", 1, 2, "Open MPI's mpirun")]
    [DataRow("OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=1", 0, 1, "Open MPI's mpirun")]
    public void Each_launcher_is_understood(string environment, int rank, int size, string launcher)
        => Assert.AreEqual(new ProcessLaunch(rank, size, launcher), Find(environment));

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
