using Microsoft.ML.OnnxRuntime;

namespace Microsoft.ML.ResNet.Tests.Interop.Onnx;

/// <summary>ONNX Runtime with one of our files.</summary>
internal sealed class OnnxSession(byte[] file) : IDisposable
{
    private static readonly SessionOptions Options = CreateOptions();
    private readonly InferenceSession _session = new(file, Options);

    /// <summary>The metadata, by key.</summary>
    public Dictionary<string, string> Metadata => _session.ModelMetadata.CustomMetadataMap;

    /// <summary>Who wrote the file.</summary>
    public string Producer => _session.ModelMetadata.ProducerName;

    public IReadOnlyDictionary<string, NodeMetadata> Inputs => _session.InputMetadata;

    public IReadOnlyDictionary<string, NodeMetadata> Outputs => _session.OutputMetadata;

    /// <summary>Runs a batch.</summary>
    /// <param name="values">N x C x H x W.</param>
    /// <param name="images">N.</param>
    /// <param name="shape">C, H, W.</param>
    /// <param name="output">Which output.</param>
    /// <returns>N rows of one value for each class.</returns>
    public float[][] Run<T>(T[] values, int images, ImageShape shape, string output = "probabilities") where T : unmanaged
    {
        using var batch = OrtValue.CreateTensorValueFromMemory(values, [images, shape.Channels, shape.Height, shape.Width]);
        using var run = new RunOptions();
        using var results = _session.Run(run, [_session.InputNames[0]], [batch], [output]);
        Assert.AreEqual(images, results[0].GetTensorTypeAndShape().Shape[0]);
        var rows = results[0].GetTensorDataAsSpan<float>().ToArray();
        return [.. rows.Chunk(rows.Length / images)];
    }

    public void Dispose() => _session.Dispose();

    private static SessionOptions CreateOptions()
    {
        var options = new SessionOptions { IntraOpNumThreads = 2 };
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"); // waiting threads would fight libtorch's for the cores
        return options;
    }
}
