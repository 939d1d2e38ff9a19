using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tensors;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Interop;

/// <summary>Fills a network with the weights of a file.</summary>
internal static class WeightsImport
{
    /// <summary>Reads a file and makes a whole state dictionary of it.</summary>
    /// <param name="stream">The file; seekable, read from its start, and stays open.</param>
    /// <param name="architecture">The network.</param>
    /// <param name="channels">Colour planes of its images.</param>
    /// <param name="classes">Its outputs.</param>
    /// <param name="strict">
    /// Whether file and network must fit; if not, what does not come from the file is drawn as for training from scratch.
    /// </param>
    /// <param name="seed">Decides what is drawn.</param>
    /// <exception cref="WeightsFormatException">
    /// The file cannot be read, or does not fit: at all, or exactly if <paramref name="strict"/>.
    /// </exception>
    public static (IReadOnlyList<NamedTensor> Weights, WeightsReport Report) Read(Stream stream, ResNetArchitecture architecture,
        int channels, int classes, bool strict, int seed)
    {
        var match = WeightsMatch.Of(WeightsFile.Read(stream), architecture, channels, classes);
        var report = match.Report;
        if (strict && !report.IsExact)
            throw new WeightsFormatException(
                $"The weights do not fit {architecture.Name} with {channels} channels and {classes} classes: {report}. "
                + "Name the architecture, the channels and the classes that the file was made for, or set Strict to false to keep what "
                    + "fits.");
        if (report.Matched.All(name => name.EndsWith(WeightsMatch.BatchCounter, StringComparison.Ordinal)))
            throw new WeightsFormatException($"The weights have nothing in common with {architecture.Name}: {report}.");

        var needsMore = report.Missing.Count + report.Mismatched.Count > 0;
        return (needsMore
            ? Complete(match, architecture, channels, classes, seed)
            : InOrder(match, architecture, channels, classes), report);
    }

    private static List<NamedTensor> InOrder(WeightsMatch match, ResNetArchitecture architecture, int channels, int classes)
        => [.. NetworkPlan.StateOf(architecture, channels, classes).Select(entry => match.Tensors[entry.Name])];

    private static List<NamedTensor> Complete(WeightsMatch match, ResNetArchitecture architecture, int channels, int classes, int seed)
    {
        ResNetRuntime.EnsureStarted();
        using var network = new ResidualNetwork(architecture, channels, classes);
        using var generator = new Generator((ulong)Seeds.Derive(seed), CPU);
        WeightInitialization.Initialize(network, generator);
        return [.. StateDictionary.Save(network).Select(drawn => match.Tensors.GetValueOrDefault(drawn.Name, drawn))];
    }
}
