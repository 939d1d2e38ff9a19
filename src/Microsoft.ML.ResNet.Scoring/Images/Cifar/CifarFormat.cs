namespace Microsoft.ML.ResNet;

/// <summary>
/// The two binary formats of CIFAR images. Both store an image as 3,072 bytes: three planes (red, green, blue) of 32 rows of 32 pixels.
/// </summary>
public enum CifarFormat
{
    /// <summary>
    /// Found out from the file names; for a single file with a name of its own, from its length, which must be a multiple of one record
    /// length only.
    /// </summary>
    Auto,

    /// <summary>Records of 3,073 bytes: one label, then the image.</summary>
    Cifar10,

    /// <summary>Records of 3,074 bytes: the coarse label, the fine label, then the image.</summary>
    Cifar100,
}
