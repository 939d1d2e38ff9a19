using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Interop.Onnx;
using Microsoft.ML.ResNet.Interop.PyTorch;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Reporting;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet;

/// <content>
/// What others get of the model: its weights for PyTorch (names and order are those of the architecture's
/// <see cref="ResNetArchitecture.Naming"/>), its network as ONNX (the graph is <see cref="NetworkGraph"/>'s), and how it was trained.
/// </content>
public sealed partial class ResNetTransformer
{
    /// <summary>Writes the weights as a safetensors file.</summary>
    /// <param name="path">
    /// The file; one that exists is replaced once the new one is whole. Where it is a link, the file that it names.
    /// </param>
    /// <inheritdoc cref="SaveSafetensors(Stream)"/>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <exception cref="IOException">
    /// The path is a folder, a device or a pipe, or the file cannot be written. A file of before is untouched.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">The file or its folder must not be written. A file of before is untouched.</exception>
    public void SaveSafetensors(string path) => SafeFile.Write(path, SaveSafetensors);

    /// <summary>Writes the weights as a safetensors file.</summary>
    /// <param name="stream">Written from its position; it stays open.</param>
    /// <remarks>
    /// The metadata holds what the tensors do not tell, as texts: <c>format</c> (<c>pt</c>), <c>architecture</c>, <c>classes</c> (a JSON
    /// array of names in the order of the outputs), <c>image</c>
    /// (channels x height x width), and, with commas between channels and in units of 0 to 1, <c>mean</c> and <c>deviation</c>.
    /// </remarks>
    public void SaveSafetensors(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        Safetensors.Write(stream, _network.Weights, new Dictionary<string, string>
        {
            ["format"] = "pt",
            ["architecture"] = _network.Architecture.Name,
            ["classes"] = JsonSerializer.Serialize(_network.Classes.Names, ClassValuesJson.Default.IReadOnlyListString),
            ["image"] = _network.Shape.ToString(),
            ["mean"] = Join(_network.Normalization.Mean),
            ["deviation"] = Join(_network.Normalization.Deviation),
        });
    }

    /// <summary>Writes the weights as the file that <c>torch.save(model.state_dict(), path)</c> writes.</summary>
    /// <param name="path">
    /// The file; one that exists is replaced once the new one is whole. Where it is a link, the file that it names.
    /// </param>
    /// <inheritdoc cref="SavePyTorch(Stream)"/>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <exception cref="IOException">
    /// The path is a folder, a device or a pipe, or the file cannot be written. A file of before is untouched.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">The file or its folder must not be written. A file of before is untouched.</exception>
    public void SavePyTorch(string path) => SafeFile.Write(path, SavePyTorch);

    /// <summary>Writes the weights as the file that <c>torch.save(model.state_dict(), path)</c> writes.</summary>
    /// <param name="stream">Written from its position; it stays open.</param>
    /// <remarks>
    /// PyTorch 1.6 and later read it by <c>torch.load(path)</c>, with <c>weights_only=True</c> too, and the same network takes it by
    /// <c>load_state_dict</c>. It does not hold the normalisation: the network expects (pixel / 255 - mean) / deviation, with the values of
    /// <see cref="Model"/>.
    /// </remarks>
    public void SavePyTorch(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        PyTorchWriter.Write(stream, _network.Weights);
    }

    /// <summary>
    /// Writes the network as an ONNX file, for ONNX Runtime, ML.NET's <c>ApplyOnnxModel</c> and others that read the format.
    /// </summary>
    /// <param name="path">
    /// The file; one that exists is replaced once the new one is whole. Where it is a link, the file that it names.
    /// </param>
    /// <param name="options">The form of the input; <see langword="null"/> for the defaults: bytes, named <c>image</c>.</param>
    /// <remarks>
    /// <para>
    /// The file takes images as N x channels x height x width, planar, red first, with values from 0 to 255, N being free; it normalises
    /// them itself. It gives <c>probabilities</c> (N x classes), which equal the scores of <see cref="Transform"/> to 1e-5, and
    /// <c>logits</c>, the same before softmax. Operator set 13, so that any ONNX Runtime since 1.6 (2020) runs it.
    /// </para>
    /// <para>
    /// Its metadata holds text: <c>class_names</c>, a JSON array in the order of the probabilities; <c>image_shape</c>,
    /// <c>normalization_mean</c>, <c>normalization_deviation</c>, JSON arrays; <c>image_geometry</c>, a JSON object that says how a picture
    /// of another size becomes such an image, which whoever calls the network does;
    /// <c>channel_order</c>, for images in colour; <c>architecture</c>, its name, and <c>architecture_plan</c>, a JSON object.
    /// </para>
    /// </remarks>
    /// <exception cref="ArgumentException">
    /// The path is empty or a folder, or the options name no input, or one that the graph cannot have.
    /// </exception>
    /// <exception cref="InvalidOperationException">The weights need more than the 2 GiB that an ONNX file can hold.</exception>
    /// <exception cref="IOException">
    /// The path is a device or a pipe, or the file cannot be written. A file of before is untouched.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">The file or its folder must not be written. A file of before is untouched.</exception>
    [SuppressMessage("ApiDesign", "RS0026", Justification = "A path and a stream cannot be confused.")]
    public void SaveOnnx(string path, OnnxExportOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
            throw new ArgumentException($"'{path}' is a folder. Expected the path of a file, such as 'model.onnx'.", nameof(path));
        var file = OnnxFile.Create(_network, options ?? new OnnxExportOptions()); // what cannot be exported is refused before writing
        SafeFile.Write(path, stream => OnnxFile.Write(stream, file));
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

    /// <summary>
    /// The reports of the epochs, in order, those of before a resume included; a model file keeps the newest 10,000. Empty for weights that
    /// were imported and for models that an older version saved.
    /// </summary>
    public IReadOnlyList<EpochReport> TrainingHistory => _network.History;

    /// <summary>
    /// The number of the epoch whose weights the model has, the first being 1: the best on the validation set, or the last.
    /// <see langword="null"/> where <see cref="TrainingHistory"/> is empty.
    /// </summary>
    public int? KeptEpoch => _network.KeptEpoch;

    /// <summary>
    /// The training history as data: a row for each epoch, and columns named like the members of <see cref="EpochReport"/>.
    /// </summary>
    /// <returns>
    /// <c>Epoch</c> and <c>NumberOfEpochs</c> are <see cref="int"/>, all others <see cref="double"/>: NaN where there was no validation
    /// set, times in seconds.
    /// </returns>
    public IDataView GetTrainingHistoryAsDataView()
    {
        var rows = new ArrayDataViewBuilder(Host);
        rows.AddColumn(nameof(EpochReport.Epoch), NumberDataViewType.Int32, TrainingHistory.Select(report => report.Epoch).ToArray());
        rows.AddColumn(nameof(EpochReport.NumberOfEpochs), NumberDataViewType.Int32, TrainingHistory.Select(report => report.NumberOfEpochs)
            .ToArray());
        foreach (var (name, value) in HistoryTable.Figures)
            rows.AddColumn(name, NumberDataViewType.Double, TrainingHistory.Select(report => value(report) ?? double.NaN).ToArray());
        return rows.GetDataView();
    }

    private static string Join(IEnumerable<float> values)
        => string.Join(',', values.Select(value => value.ToString(CultureInfo.InvariantCulture)));
}
