using System.Diagnostics.CodeAnalysis;
using Microsoft.ML.ResNet.Interop.Onnx;

namespace Microsoft.ML.ResNet;

/// <content>Export to ONNX. The graph is <see cref="NetworkGraph"/>'s.</content>
public sealed partial class ResNetTransformer
{
    /// <summary>
    /// Writes the network as an ONNX file, for ONNX Runtime, ML.NET's <c>ApplyOnnxModel</c> and others that read the format.
    /// </summary>
    /// <param name="path">The file; replaced if it exists.</param>
    /// <param name="options">The form of the input; <see langword="null"/> for the defaults: bytes, named <c>image</c>.</param>
    /// <remarks>
    /// <para>
    /// The file takes images as N x channels x height x width, planar, red first, with values from 0 to 255, N being free; it normalises
    /// them itself. It gives <c>probabilities</c> (N x classes), which equal the scores of <see cref="Transform"/> to 1e-5, and
    /// <c>logits</c>, the same before softmax. Operator set 13, so that any ONNX Runtime since 1.6 (2020) runs it.
    /// </para>
    /// <para>
    /// Its metadata holds text: <c>class_names</c>, a JSON array in the order of the probabilities; <c>image_shape</c>,
    /// <c>normalization_mean</c>, <c>normalization_deviation</c>, JSON arrays;
    /// <c>channel_order</c>, for images in colour; <c>architecture</c>, its name, and <c>architecture_plan</c>, a JSON object.
    /// </para>
    /// </remarks>
    /// <exception cref="ArgumentException">
    /// The path is empty or a folder, or the options name no input, or one that the graph cannot have.
    /// </exception>
    /// <exception cref="InvalidOperationException">The weights need more than the 2 GiB that an ONNX file can hold.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file must not be written.</exception>
    [SuppressMessage("ApiDesign", "RS0026", Justification = "A path and a stream cannot be confused.")]
    public void SaveOnnx(string path, OnnxExportOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
            throw new ArgumentException($"'{path}' is a folder. Expected the path of a file, such as 'model.onnx'.", nameof(path));
        // before the file is opened: what cannot be exported leaves an older file as it is
        var file = OnnxFile.Create(_network, options ?? new OnnxExportOptions());
        using var stream = File.Create(path);
        OnnxFile.Write(stream, file);
    }

    /// <summary>
    /// Writes the network as an ONNX file to a stream. See <see cref="SaveOnnx(string, OnnxExportOptions?)"/> for what the file holds.
    /// </summary>
    /// <param name="stream">Receives the file from its position on; writable, and need not seek. It stays open.</param>
    /// <param name="options">The form of the input; <see langword="null"/> for the defaults: bytes, named <c>image</c>.</param>
    /// <exception cref="ArgumentException">
    /// The stream cannot be written, or the options name no input, or one that the graph cannot have.
    /// </exception>
    /// <exception cref="InvalidOperationException">The weights need more than the 2 GiB that an ONNX file can hold.</exception>
    /// <exception cref="IOException">The stream failed.</exception>
    [SuppressMessage("ApiDesign", "RS0026", Justification = "A path and a stream cannot be confused.")]
    public void SaveOnnx(Stream stream, OnnxExportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanWrite)
            throw new ArgumentException("The stream cannot be written. Expected one that is open for writing.", nameof(stream));
        OnnxFile.Write(stream, OnnxFile.Create(_network, options ?? new OnnxExportOptions()));
    }
}
