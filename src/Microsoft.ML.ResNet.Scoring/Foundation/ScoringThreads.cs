namespace Microsoft.ML.ResNet.Foundation;

/// <summary>How many threads score a batch, in this process.</summary>
internal static class ScoringThreads
{
    /// <summary>What the application chose; at least 1. The default, <see langword="null"/>, is <c>OMP_NUM_THREADS</c>, or all.</summary>
    public static int? Chosen { get; set; }

    /// <summary>The number: as many as libtorch would be given.</summary>
    public static int Count
        => Chosen
            ?? (int.TryParse(Environment.GetEnvironmentVariable("OMP_NUM_THREADS"), out var threads) && threads > 0
            ? threads
            : Environment.ProcessorCount);
}
