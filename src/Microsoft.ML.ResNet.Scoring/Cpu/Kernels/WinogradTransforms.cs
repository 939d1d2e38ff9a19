namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>What all of Winograd's convolutions have in common.</summary>
internal static class WinogradTransforms
{
    /// <summary>Pixels of an image below which no tiles pay: 16 of 2x2 are what kernels compute at once.</summary>
    public const int FewestPixels = 64;

    /// <summary>Pairs of channels up to which tiles of 4x4 pay: elements of more weights, four times as many, come from memory.</summary>
    public const int MostPairsOf4x4 = 128 * 128;

    /// <summary>Elements of a transformed tile.</summary>
    public static int ElementsOf<TTransforms>()
        where TTransforms : struct, IWinogradTransforms
        => (TTransforms.TileSize + 2) * (TTransforms.TileSize + 2);

    /// <summary>
    /// Floats from one element to the next that keep the elements of some tiles apart: one line more than the numbers take, because
    /// elements that lie powers of two apart would push one another out of the cache.
    /// </summary>
    /// <param name="tiles">How many tiles.</param>
    /// <param name="channels">Channels of each.</param>
    public static nint ElementPitch(int tiles, int channels) => checked((nint)tiles * channels + 16);
}
