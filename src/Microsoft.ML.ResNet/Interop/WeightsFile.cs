using Microsoft.ML.ResNet.Interop.PyTorch;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop;

/// <summary>Reads a file of weights of any kind that this library knows. Its content tells which, never its extension.</summary>
internal static class WeightsFile
{
    private const int LongestMagic = 4;

    /// <summary>Reads the tensors, under our names.</summary>
    /// <param name="stream">Seekable; read from its start, and stays open.</param>
    /// <exception cref="WeightsFormatException">
    /// The file is damaged, hostile, of another kind, or holds two tensors that mean the same.
    /// </exception>
    public static IReadOnlyList<NamedTensor> Read(Stream stream)
    {
        stream.Position = 0;
        var firstBytes = new byte[LongestMagic];
        var count = stream.ReadAtLeast(firstBytes, firstBytes.Length, throwOnEndOfStream: false);
        stream.Position = 0;
        if (count == 0)
            throw new WeightsFormatException("weights file", "byte 0",
                "expected a PyTorch file or a safetensors file, found an empty file");
        var tensors = PyTorchZip.Recognizes(firstBytes) || PyTorchLegacy.Recognizes(firstBytes)
            ? PyTorchFile.Read(stream).Tensors
            : Safetensors.Read(stream, out _);
        return ForeignStateNames.ToOurs(tensors);
    }
}
