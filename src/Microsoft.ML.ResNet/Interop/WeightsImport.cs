using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tensors;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Interop;

/// <summary>Makes a whole state dictionary of the weights in a file.</summary>
/// <param name="Tensors">The weights, in the network's order.</param>
/// <param name="Report">What came from the file.</param>
/// <param name="Warnings">What the user should hear of, in sentences.</param>
internal sealed record WeightsImport(IReadOnlyList<NamedTensor> Tensors, WeightsReport Report, IReadOnlyList<string> Warnings)
{
    /// <summary>The end of the names of the counters that PyTorch keeps beside running statistics.</summary>
    public const string BatchCounter = ".num_batches_tracked";

    /// <summary>Of the network's convolutions, one in so many may be drawn; with more the file is of something else.</summary>
    private const int MostTimesTheFile = 64;
    private const double LeastRefused = 64 << 20; // bytes
    private const int DrawnConvolutions = 4;

    // Tensors may share their bytes in the file, and each gets bytes of its own here: a few MB could ask for hundreds of GB.
    private static void CheckShares(IEnumerable<NamedTensor> tensors, long fileLength)
    {
        var needed = tensors.Sum(tensor => (double)tensor.ElementCount * sizeof(float));
        if (needed > LeastRefused && needed > MostTimesTheFile * (double)fileLength)
            throw new WeightsFormatException(FormattableString.Invariant(
                $"The file has {fileLength} bytes, and its tensors would take {needed:g3}, because many share theirs; expected at most ")
                + $"{MostTimesTheFile} times the file. Save the weights with bytes of their own.");
    }

    /// <summary>Reads a file.</summary>
    /// <param name="stream">The file; seekable, read from its start, and stays open.</param>
    /// <param name="options">The network, and whether the file must fit exactly. Checked before.</param>
    /// <param name="seed">Decides what is drawn.</param>
    /// <exception cref="WeightsFormatException">
    /// The file cannot be read, is of another network, or does not fit exactly although it must.
    /// </exception>
    public static WeightsImport Read(Stream stream, ResNetWeightsOptions options, int seed)
    {
        var (architecture, channels, classes) = (options.Architecture, options.Images.Channels, options.Classes.Count);
        var file = WeightsFile.Read(stream, options.StateDictKey);
        CheckShares(file.Tensors, stream.Length);
        var found = file.Tensors.Select(ToFloat32).ToList();
        var head = StateNames.Rename(architecture, "fc") + ".";
        bool IsOfHead(string name) => name.StartsWith(head, StringComparison.Ordinal);
        var wanted = ForeignHead.Rename(found, architecture)
            .Where(tensor => options.ClassNames is not null || !IsOfHead(tensor.Name))
            .Select(tensor => options.ChannelOrderOfFile == ChannelOrder.Bgr && tensor.Name == FirstConvolution(architecture)
                ? WithChannelsReversed(tensor)
                : tensor);
        var match = StateMatch.Of([.. wanted], architecture, channels, classes);
        var missing = match.Missing.Where(name => !IsCounter(name)).ToList();
        var report = new WeightsReport([.. match.Matched.Select(tensor => tensor.Name)], missing,
            [.. match.Unexpected.Select(tensor => tensor.Name)], match.Mismatched)
        {
            StateDictKey = file.Key,
            OtherStateDictKeys = file.OtherKeys,
            FileKind = file.Kind,
            IsBackbone = missing.Count > 0 && missing.TrueForAll(IsOfHead) && match.Matched.Count > 0
                && match.Unexpected.Count + match.Mismatched.Count == 0 && !match.Matched.Any(tensor => IsOfHead(tensor.Name)),
        };
        CheckGraph(file.Architecture, options);
        CheckFit(report, match, found, options);
        if (StateMatch.ProblemOfValues(match.Matched) is { } problem)
            throw new WeightsFormatException($"The weights cannot be used: {problem}.");

        var byName = match.Matched.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        foreach (var name in match.Missing.Where(IsCounter))
            byName.Add(name, new NamedTensor(name, ElementType.Int64, [], new byte[sizeof(long)]));
        var names = NetworkPlan.StateOf(architecture, channels, classes).Select(entry => entry.Name).ToList();
        var drawn = names.Where(name => !byName.ContainsKey(name)).ToList();
        return new(drawn.Count == 0 ? [.. names.Select(name => byName[name])] : Complete(byName, architecture, channels, classes, seed),
            report, [.. Warn(report, drawn, options)]);
    }

    // What names and shapes do not tell: a network with other strides has the same state dictionary, and other scores.
    private static void CheckGraph(ResNetArchitecture? ofFile, ResNetWeightsOptions options)
    {
        if (!options.Strict || ofFile is null || ofFile == options.Architecture)
            return;
        throw new WeightsFormatException($"The graph of the ONNX file is that of {Describe(ofFile)}; asked for was "
            + $"{Describe(options.Architecture)}. Name the architecture that the file was made for, or set Strict to false to keep what "
            + "fits.");

        static string Describe(ResNetArchitecture network)
            => $"{network.Name} ({network.Stem} stem of {network.StemWidth}, {network.Block} blocks, "
                + $"stages {string.Join(", ", network.Stages.Select(stage => $"{stage.Blocks} x {stage.Width} / {stage.Stride}"))})";
    }

    private static void CheckFit(WeightsReport report, StateMatch match, IReadOnlyList<NamedTensor> found, ResNetWeightsOptions options)
    {
        var architecture = options.Architecture;
        if (report.IsExact || report.IsBackbone && options.ClassNames is null)
            return;
        if (report.Matched.All(IsCounter))
            throw new WeightsFormatException(
                $"The weights have nothing in common with {architecture.Name}: {report}. {ClosestNetwork.Describe(found)}");
        if (options.Strict && report.IsBackbone)
            throw new WeightsFormatException($"The weights are a backbone without a head: {report}. Leave ClassNames unset to start "
                + "training from them (Options.InitialModel); or set Strict to false for a head that is drawn at random.");
        if (options.Strict)
            throw new WeightsFormatException(
                $"The weights do not fit {architecture.Name} with {options.Images.Channels} channels and {options.Classes.Count} "
                + $"classes: {report}. {ClosestNetwork.Describe(found)} Name the architecture, the channels and the classes that the file "
                + "was made for, or set Strict to false to keep what fits.");

        var blocks = ClosestNetwork.Blocks(found);
        if (architecture.Stages.Zip(blocks).Any(pair => pair.Second > 0 && pair.Second != pair.First.Blocks))
            throw new WeightsFormatException(
                $"The weights are of another network than {architecture.Name}: its stages have "
                + $"{string.Join(", ", architecture.Stages.Select(stage => stage.Blocks))} blocks, theirs {string.Join(", ", blocks)}. "
                + $"{ClosestNetwork.Describe(found)} Too little would be left of what was trained, so that nothing was taken.");

        var convolutions = NetworkPlan.StateOf(architecture, channels: 3, classes: 2).Where(entry => entry.Shape.Length == 4)
            .Select(entry => entry.Name).ToHashSet(StringComparer.Ordinal);
        var missing = convolutions.Count - match.Matched.Count(tensor => convolutions.Contains(tensor.Name));
        if (missing * DrawnConvolutions > convolutions.Count)
            throw new WeightsFormatException(
                $"The weights lack {missing} of the {convolutions.Count} convolutions of {architecture.Name}: {report}. "
                + $"{ClosestNetwork.Describe(found)} Strict = false allows a quarter of them to be drawn, not more.");
    }

    private static IEnumerable<string> Warn(WeightsReport report, List<string> drawn, ResNetWeightsOptions options)
    {
        var architecture = options.Architecture;
        if (report.OtherStateDictKeys.Count > 0)
            yield return $"The file holds several networks. The weights are those of {UntrustedText.Quote(report.StateDictKey ?? "")}; "
                + $"{nameof(ResNetWeightsOptions.StateDictKey)} chooses others: {UntrustedText.List(report.OtherStateDictKeys)}.";
        var head = StateNames.Rename(architecture, "fc") + ".";
        var ofHead = drawn.Where(name => name.StartsWith(head, StringComparison.Ordinal)).ToList();
        if (ofHead.Count > 0)
            yield return $"The head ({UntrustedText.List(ofHead)}) does not come from the file but is drawn at random: what the model "
                + "answers means nothing before it is trained."
                + (options.ClassNames is null ? " No ClassNames were given, so that its classes are placeholders." : "");
        var others = drawn.Except(ofHead).ToList();
        if (others.Count > 0)
            yield return $"{others.Count} tensors of the network do not come from the file but are drawn at random, and the model is as "
                + $"good as untrained: {UntrustedText.List(others)}.";
        if (report.Unexpected.Count > 0)
            yield return $"{report.Unexpected.Count} tensors of the file have no place in {architecture.Name} and are left out: "
                + $"{UntrustedText.List(report.Unexpected)}.";
    }

    private static string FirstConvolution(ResNetArchitecture architecture) => StateNames.Rename(architecture, "conv1") + ".weight";

    // (outputs, channels, height, width), the channels from last to first.
    private static NamedTensor WithChannelsReversed(NamedTensor weight)
    {
        if (weight.Shape is not [var outputs and > 0, var channels and > 0, _, _])
            return weight; // it will not fit
        var source = weight.Data.Span;
        var target = new byte[source.Length];
        var plane = (int)(source.Length / outputs / channels);
        for (var output = 0; output < outputs; output++)
            for (var channel = 0; channel < channels; channel++)
                source.Slice((int)(output * channels + channel) * plane, plane)
                    .CopyTo(target.AsSpan((int)(output * channels + channels - 1 - channel) * plane));
        return weight with { Data = target };
    }

    private static List<NamedTensor> Complete(Dictionary<string, NamedTensor> found, ResNetArchitecture architecture, int channels,
        int classes, int seed)
    {
        ResNetRuntime.EnsureStarted();
        using var network = new ResidualNetwork(architecture, channels, classes);
        using var generator = new Generator((ulong)Seeds.Derive(seed), CPU);
        WeightInitialization.Initialize(network, generator);
        return [.. StateDictionary.Save(network).Select(drawn => found.GetValueOrDefault(drawn.Name, drawn))];
    }

    /// <summary>In single precision, unless an array cannot hold that; no network has such a tensor.</summary>
    private static NamedTensor ToFloat32(NamedTensor tensor)
        => tensor.ElementCount <= UntrustedBytes.MaximumCount / sizeof(float) ? tensor.ToFloat32() : tensor;

    private static bool IsCounter(string name) => name.EndsWith(BatchCounter, StringComparison.Ordinal);
}
