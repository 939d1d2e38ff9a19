using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Data;

/// <summary>What a file holds for each image: its pixels, or what frozen layers made of them.</summary>
/// <param name="Sizes">The sizes of its dimensions.</param>
/// <param name="Type">The type of its elements: bytes or floats.</param>
internal sealed record StoredRow(IReadOnlyList<long> Sizes, ScalarType Type)
{
    /// <summary>The bytes of one row.</summary>
    public int Bytes { get; } = checked((int)(Sizes.Aggregate(1L, (product, size) => product * size)
        * (Type == ScalarType.Float32 ? sizeof(float) : sizeof(byte))));

    /// <summary>Pixels: uint8, (C, H, W).</summary>
    public static StoredRow Of(ImageShape shape) => new([shape.Channels, shape.Height, shape.Width], ScalarType.Byte);

    /// <summary>Rows whose values are yet to be set: (count, sizes); the caller owns them.</summary>
    public Tensor Empty(long count) => empty([count, .. Sizes], Type);
}
