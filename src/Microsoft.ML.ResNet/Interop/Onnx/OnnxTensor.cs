using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Interop.Onnx.Schema;
using Microsoft.ML.ResNet.Tensors;
using DataType = Microsoft.ML.ResNet.Interop.Onnx.Schema.TensorProto.Types.DataType;

namespace Microsoft.ML.ResNet.Interop.Onnx;

/// <summary>The constants of an ONNX graph as tensors of ours; their elements are not copied.</summary>
internal static class OnnxTensor
{
    private const int MaximumDimensions = 8;

    /// <summary>The tensor under another name.</summary>
    /// <exception cref="WeightsFormatException">
    /// Its elements lie in another file, have a type that no weight has, or are more or fewer than its shape says.
    /// </exception>
    public static NamedTensor ToNamed(this TensorProto constant, string name)
    {
        CheckInside(constant);
        var (type, elements) = (DataType)constant.DataType switch
        {
            DataType.Float => (ElementType.Float32, constant.FloatData),
            DataType.Float16 => (ElementType.Float16, Google.Protobuf.ByteString.Empty),
            DataType.Bfloat16 => (ElementType.BFloat16, Google.Protobuf.ByteString.Empty),
            DataType.Double => (ElementType.Float64, constant.DoubleData),
            _ => throw Error(constant, $"expected floating-point numbers, found type {constant.DataType} of ONNX's list"),
        };
        var data = (constant.RawData.IsEmpty ? elements : constant.RawData).Memory;
        if (constant.Dims.Count > MaximumDimensions || !TensorSize.TryGetByteCount(type, constant.Dims, out var expected)
            || expected != data.Length)
            throw Error(constant, $"expected as many elements as its shape {Shape(constant)} says, found {data.Length / type.Size()} of "
                + $"{type.Size()} bytes");
        return new NamedTensor(name, type, [.. constant.Dims], data);
    }

    /// <summary>The elements of a list of whole numbers.</summary>
    /// <exception cref="WeightsFormatException">It is something else.</exception>
    public static IReadOnlyList<long> ToIntegers(this TensorProto constant)
    {
        CheckInside(constant);
        return (DataType)constant.DataType != DataType.Int64 || constant.RawData.Length % sizeof(long) != 0
            ? throw Error(constant, $"expected whole numbers of 64 bits, found type {constant.DataType} of ONNX's list")
            : constant.RawData.IsEmpty
                ? constant.Int64Data
                : MemoryMarshal.Cast<byte, long>(constant.RawData.Span).ToArray();
    }

    /// <summary>Rows become columns.</summary>
    /// <param name="matrix">A tensor of two dimensions.</param>
    public static NamedTensor Transposed(this NamedTensor matrix)
    {
        var (rows, columns, size) = ((int)matrix.Shape[0], (int)matrix.Shape[1], matrix.Type.Size());
        var source = matrix.Data.Span;
        var target = new byte[source.Length];
        for (var row = 0; row < rows; row++)
            for (var column = 0; column < columns; column++)
                source.Slice((row * columns + column) * size, size).CopyTo(target.AsSpan((column * rows + row) * size));
        return matrix with { Shape = [columns, rows], Data = target };
    }

    /// <summary>The shape, as in <c>[64, 3, 7, 7]</c>, cut off where nobody would read on.</summary>
    public static string Shape(TensorProto constant)
        => $"[{string.Join(", ", constant.Dims.Take(MaximumDimensions))}{(constant.Dims.Count > MaximumDimensions ? ", ..." : "")}]";

    private static void CheckInside(TensorProto constant)
    {
        if (constant.DataLocation == TensorProto.Types.DataLocation.External || constant.ExternalData.Count > 0)
            throw Error(constant, "expected its elements in this file, found that they lie in another one "
                + $"({UntrustedText.Quote(constant.ExternalData.FirstOrDefault(entry => entry.Key == "location")?.Value ?? "")}). Write "
                + "the model as one file: torch.onnx.export(..., external_data=False), or onnx.save(onnx.load(path), other_path)");
    }

    private static WeightsFormatException Error(TensorProto constant, string problem)
        => OnnxNetwork.Error($"tensor {UntrustedText.Quote(constant.Name)}", problem);
}
