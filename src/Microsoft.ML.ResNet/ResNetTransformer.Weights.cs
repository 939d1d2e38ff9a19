using System.Globalization;
using System.Text.Json;
using Microsoft.ML.ResNet.Interop.PyTorch;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet;

/// <content>Weights for other programs. Names and order are those of the architecture's <see cref="ResNetArchitecture.Naming"/>.</content>
public sealed partial class ResNetTransformer
{
    /// <summary>Writes the weights as a safetensors file.</summary>
    /// <param name="path">The file; one that exists is replaced.</param>
    /// <inheritdoc cref="SaveSafetensors(Stream)"/>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveSafetensors(string path) => WriteFile(path, SaveSafetensors);

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
            ["classes"] = JsonSerializer.Serialize(_network.Classes.Names),
            ["image"] = _network.Shape.ToString(),
            ["mean"] = Join(_network.Normalization.Mean),
            ["deviation"] = Join(_network.Normalization.Deviation),
        });
    }

    /// <summary>Writes the weights as the file that <c>torch.save(model.state_dict(), path)</c> writes.</summary>
    /// <param name="path">The file; one that exists is replaced.</param>
    /// <inheritdoc cref="SavePyTorch(Stream)"/>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SavePyTorch(string path) => WriteFile(path, SavePyTorch);

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

    private static void WriteFile(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        using var stream = File.Create(path);
        write(stream);
    }

    private static string Join(IEnumerable<float> values)
        => string.Join(',', values.Select(value => value.ToString(CultureInfo.InvariantCulture)));
}
