using Microsoft.ML.ResNet.Tensors;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>Copies between the engine's tensors and raw ones.</summary>
internal static class RawTensors
{
    /// <summary>Copies a tensor out of the engine, from whatever device and memory layout.</summary>
    public static NamedTensor Save(string name, Tensor tensor)
    {
        var bytes = new byte[checked(tensor.numel() * tensor.ElementSize)];
        Copy(tensor, bytes);
        return new NamedTensor(name, TypeOf(tensor), tensor.shape, bytes);
    }

    /// <summary>Copies a tensor's elements, in row-major order, to where there is room for them.</summary>
    public static void Copy(Tensor tensor, Span<byte> target)
    {
        using var scope = NewDisposeScope();
        tensor.detach().cpu().contiguous().bytes.CopyTo(target);
    }

    /// <summary>
    /// Copies a raw tensor of the same type and shape into one of the engine's, which keeps its device and memory layout.
    /// </summary>
    /// <exception cref="FormatException">Type or shape is another.</exception>
    public static void Load(Tensor target, NamedTensor source)
    {
        if (source.Type != TypeOf(target) || !source.Shape.SequenceEqual(target.shape))
            throw new FormatException($"Expected {TypeOf(target)}[{string.Join(", ", target.shape)}]; got {source}.");
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var packed = empty(source.Shape.ToArray(), target.dtype);
        source.Data.Span.CopyTo(packed.bytes);
        target.copy_(packed);
    }

    /// <summary>The element type of a tensor of a network or an optimiser.</summary>
    public static ElementType TypeOf(Tensor tensor) => tensor.dtype switch
    {
        ScalarType.Float32 => ElementType.Float32,
        ScalarType.Int64 => ElementType.Int64,
        var other => throw new NotSupportedException($"A network tensor is {other}; expected Float32 or Int64."),
    };
}
