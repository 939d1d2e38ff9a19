namespace Microsoft.ML.ResNet.Fuzzing;

/// <summary>A reader of untrusted bytes.</summary>
/// <param name="Name">Its name on the command line and in names of files; without dots.</param>
/// <param name="Share">How many inputs it gets beside the others; readers that take long get few.</param>
/// <param name="Seeds">Inputs that it takes, and some that it refuses for different reasons.</param>
/// <param name="Tokens">What has a meaning in its format.</param>
/// <param name="Read">
/// Gives an input to the reader. Returns what became of it; an exception that the reader does not document passes through.
/// </param>
public sealed record FuzzTarget(string Name, int Share, IReadOnlyList<byte[]> Seeds, IReadOnlyList<byte[]> Tokens, Func<byte[],
    Outcome> Read)
{
    /// <summary>The longest input, in bytes.</summary>
    public int LongestInput { get; init; } = 16 << 10;

    /// <summary>How long one input may take.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The most managed memory that one input may allocate, alive or not, in bytes, whatever its length.</summary>
    public long MemoryBase { get; init; } = 8 << 20;

    /// <summary>What each byte of the input may allocate beyond that.</summary>
    public long MemoryPerByte { get; init; } = 200;
}

/// <summary>What became of an input, as its reader documents it.</summary>
/// <param name="IsAccepted">Whether the reader took it.</param>
/// <param name="Description">
/// The reason for a refusal, or what was read. Inputs that are described in new words are kept and changed further.
/// </param>
public readonly record struct Outcome(bool IsAccepted, string Description)
{
    /// <summary>Runs a reader that reports by one kind of exception.</summary>
    /// <typeparam name="TDocumented">That kind; a derived one is another and passes through.</typeparam>
    /// <param name="read">Reads, and tells what.</param>
    public static Outcome Of<TDocumented>(Func<string> read) where TDocumented : Exception
    {
        try
        {
            return new(true, read());
        }
        catch (TDocumented e) when (e.GetType() == typeof(TDocumented))
        {
            return new(false, e.Message);
        }
    }
}
