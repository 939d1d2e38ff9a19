using Microsoft.ML.ResNet.Interop.Onnx;
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
    /// <summary>What the file was read as, in the words of error messages. The default is empty.</summary>
    public string Kind { get; private init; } = "";

    /// <summary>
    /// The network, where the file tells it by more than names and shapes; the default, <see langword="null"/>, is unknown.
    /// </summary>
    public ResNetArchitecture? Architecture { get; private init; }

    /// <summary>Reads a file.</summary>
    /// <param name="stream">Seekable; read from its start, and stays open.</param>
    /// <param name="key">Which network is meant; <see langword="null"/> chooses the plain one rather than a moving average.</param>
    /// <exception cref="WeightsFormatException">
    /// The file is damaged, hostile, of another kind, holds two tensors that mean the same, or has no network of that key.
    /// </exception>
    public static WeightsFile Read(Stream stream, string? key = null)
    {
        stream.Position = 0;
        var firstBytes = new byte[Math.Max(PyTorchFile.LongestMagic, OnnxNetwork.LongestMagic)];
        var count = stream.ReadAtLeast(firstBytes, firstBytes.Length, throwOnEndOfStream: false);
        stream.Position = 0;
        if (count == 0)
            throw new WeightsFormatException("weights file", "byte 0",
                "expected a PyTorch file, a safetensors file or an ONNX file, found an empty file");
        if (PyTorchFile.Recognizes(firstBytes))
            return ForeignStateNames.Resolve(PyTorchFile.Read(stream, key), key) with { Kind = PyTorchFile.FileKind };
        if (!OnnxNetwork.Recognizes(firstBytes))
            return OfOne(Safetensors.Read(stream, out _), key) with { Kind = Safetensors.FileKind };
        var network = OnnxNetwork.Read(stream);
        return OfOne(network.Tensors, key) with { Kind = OnnxNetwork.FileKind, Architecture = network.Architecture };
    }

    private static WeightsFile OfOne(IReadOnlyList<NamedTensor> tensors, string? key)
        => ForeignStateNames.Resolve(new PyTorchCheckpoint(tensors, Key: null, OtherKeys: []), key);
}
