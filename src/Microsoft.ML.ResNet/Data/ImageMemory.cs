namespace Microsoft.ML.ResNet.Data;

/// <summary>How much memory images may take, and where those go that need more. Everything here is a pure function of that.</summary>
/// <param name="Budget">Bytes of pixels that may lie in memory; 0 or more.</param>
/// <param name="Folder">The folder of the temporary file.</param>
internal sealed record ImageMemory(long Budget, string Folder)
{
    /// <summary>Bytes in a MiB.</summary>
    public const long MiB = 1024 * 1024;

    private const long LargestOnDevice = 2048 * MiB;

    /// <summary>As the options say.</summary>
    /// <param name="budgetInMiB">
    /// The budget; <see langword="null"/> is half of what the process may use, by the limit of its container or the memory of the machine.
    /// </param>
    /// <param name="folder">The folder; <see langword="null"/> is <see cref="SpillFolder.Default"/>.</param>
    public static ImageMemory Of(int? budgetInMiB, string? folder)
        => new(budgetInMiB * MiB ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2, folder ?? SpillFolder.Default);

    /// <summary>Whether so many images may lie in memory.</summary>
    public bool Holds(long images, ImageShape shape) => Holds(images, StoredRow.Of(shape));

    /// <summary>Whether so many rows may lie in memory.</summary>
    public bool Holds(long rows, StoredRow row) => rows * row.Bytes <= Budget;

    /// <summary>What is left beside a set.</summary>
    public ImageMemory Beside(PixelStore? store) => this with { Budget = Math.Max(0, Budget - (store?.BytesInMemory ?? 0)) };

    /// <summary>
    /// Whether images move to a device as a whole: up to 2 GiB, which leaves the device to the network (TorchSharp cannot tell how much
    /// memory is free there).
    /// </summary>
    /// <param name="bytes">The bytes of the images; <see langword="null"/> for images in a file.</param>
    public static bool FitsDevice(long? bytes) => bytes <= LargestOnDevice;
}
