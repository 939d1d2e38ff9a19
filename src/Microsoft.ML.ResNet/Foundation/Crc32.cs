namespace Microsoft.ML.ResNet.Foundation;

/// <summary>The checksum of zip archives (CRC-32, polynomial 0x04C11DB7 with reflected bits).</summary>
internal static class Crc32
{
    private static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(value => Shift8((uint)value))];

    /// <summary>The checksum of some bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="previous">The checksum of the bytes before them; 0 for none.</param>
    public static uint Compute(ReadOnlySpan<byte> bytes, uint previous = 0)
    {
        var register = ~previous;
        foreach (var value in bytes)
            register = Table[(byte)(register ^ value)] ^ (register >> 8);
        return ~register;
    }

    private static uint Shift8(uint register)
    {
        for (var bit = 0; bit < 8; bit++)
            register = (register & 1) == 0 ? register >> 1 : (register >> 1) ^ 0xEDB88320;
        return register;
    }
}
