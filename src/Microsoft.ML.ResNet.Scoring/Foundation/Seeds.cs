namespace Microsoft.ML.ResNet.Foundation;

/// <summary>
/// Independent random streams from one seed. Each use (an epoch's order, a batch's crops) derives its own seed from where it stands,
/// so no random state needs to be carried from one step to the next, and a resumed run draws what the uninterrupted one would.
/// </summary>
internal static class Seeds
{
    /// <summary>Mixes a seed with the numbers that say which stream is wanted.</summary>
    public static int Derive(int seed, params ReadOnlySpan<int> path)
    {
        var state = (ulong)(uint)seed;
        foreach (var step in path)
            state = Mix(state + 0x9E3779B97F4A7C15UL + (uint)step);
        return (int)(Mix(state) & int.MaxValue);
    }

    // The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
