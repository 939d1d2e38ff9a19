using Microsoft.ML.ResNet.Interop.PyTorch;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop;

/// <summary>
/// The weights of one network in a file of any kind that this library knows. Its content tells which, never its extension.
/// </summary>
/// <param name="Tensors">The tensors, under our names.</param>
/// <param name="Key">Which of the networks in the file they are; <see langword="null"/> where it is nothing but one.</param>
/// <param name="OtherKeys">The other networks in the file.</param>
internal sealed record WeightsFile(IReadOnlyList<NamedTensor> Tensors, string? Key, IReadOnlyList<string> OtherKeys)
{
    /// <summary>Reads a file.</summary>
    /// <param name="stream">Seekable; read from its start, and stays open.</param>
    /// <param name="key">Which network is meant; <see langword="null"/> chooses the plain one rather than a moving average.</param>
    /// <exception cref="WeightsFormatException">
    /// The file is damaged, hostile, of another kind, holds two tensors that mean the same, or has no network of that key.
    /// </exception>
    public static WeightsFile Read(Stream stream, string? key = null)
    {
        stream.Position = 0;
        var firstBytes = new byte[PyTorchFile.LongestMagic];
        var count = stream.ReadAtLeast(firstBytes, firstBytes.Length, throwOnEndOfStream: false);
        stream.Position = 0;
        if (count == 0)
            throw new WeightsFormatException("weights file", "byte 0",
                "expected a PyTorch file or a safetensors file, found an empty file");
        var checkpoint = PyTorchFile.Recognizes(firstBytes)
            ? PyTorchFile.Read(stream, key)
            : new PyTorchCheckpoint(Safetensors.Read(stream, out _), Key: null, OtherKeys: []);
        return ForeignStateNames.Resolve(checkpoint, key);
    }
}
