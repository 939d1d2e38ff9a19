using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Interop.PyTorch;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Fuzzing.Readers;

/// <summary>Readers of files with weights: safetensors, and PyTorch's in both layouts, whole and from the inside.</summary>
internal static class WeightReaders
{
    private static readonly byte[] Values = MemoryMarshal.AsBytes<float>([1, 2, 3, 4, 5, 6, 7, 8]).ToArray();

    private static readonly ResNetWeightsOptions Options = new()
    {
        Architecture = TinyModel.Architecture,
        ClassNames = ["cat", "dog"],
        ImageShape = new ImageShape(1, 4, 4),
        ChannelMeans = [0.5f],
        ChannelStandardDeviations = [0.25f],
    };

    public static IEnumerable<FuzzTarget> All =>
    [
        new("safetensors", 30, SafetensorsFiles, Tokens.Safetensors, bytes => Refusable(() => ReadTwice(bytes))),
        new("safetensors-header", 50, [.. SafetensorsFiles.Select(Header)], Tokens.Safetensors, bytes =>
            Refusable(() => ReadTwice(WithHeader(bytes)))),
        new("pytorch-zip", 30, [.. Pickles.Select(pickle => PickleText.Archive(pickle, ("0", [1, 2, 3, 4]))),
            PyTorch(TinyModel.Value.Weights)],
            [.. Tokens.Zip, .. Tokens.Pickle], bytes => Refusable(() => Describe(PyTorchFile.Read(new MemoryStream(bytes))))),
        new("pytorch-pickle", 60, [.. Pickles.Select(PickleText.Whole)], Tokens.Pickle, bytes => Refusable(() =>
            Describe(PyTorchFile.Read(new MemoryStream(Archive(bytes)))))),
        new("pytorch-legacy", 60, [.. Pickles.Select(pickle => PickleText.Legacy(pickle, ("0", [1, 2, 3, 4])))], Tokens.Pickle, bytes =>
            Refusable(() => Describe(PyTorchFile.Read(new MemoryStream(bytes))))),
        new("weights-names", 60, Names, Tokens.StateNames, bytes => Refusable(() => ReadNames(bytes))),
        new("weights", 20, [.. SafetensorsFiles, .. Layouts.Select(names => TinyModel.Safetensors(TinyModel.Renamed(names))),
            .. Layouts.Select(names => PyTorch(TinyModel.Renamed(names)))], [.. Tokens.StateNames, .. Tokens.Safetensors, .. Tokens.Pickle],
            bytes => Refusable(() => WeightsImport.Read(new MemoryStream(bytes), Options, seed: 1).Report.ToString())),
    ];

    private static IReadOnlyList<byte[]> SafetensorsFiles { get; } =
    [
        TinyModel.Safetensors(TinyModel.Value.Weights, new Dictionary<string, string> { ["format"] = "pt" }),
        TinyModel.Safetensors([]),
        TinyModel.Safetensors([.. Enum.GetValues<ElementType>()
            .Select(type => new NamedTensor($"{type}", type, [2, 1], new byte[2 * type.Size()]))]),
        TinyModel.Safetensors([new("scalar", ElementType.Float32, [], new byte[4]),
            new("empty", ElementType.Int64, [3, 0], default(ReadOnlyMemory<byte>))]),
    ];

    /// <summary>Objects as a training program leaves them.</summary>
    private static IReadOnlyList<byte[]> Pickles { get; } =
    [
        PickleText.Dictionary(("a", PickleText.Tensor("0", 4, 0, [2, 2], [2, 1]))),
        PickleText.Dictionary(("a", PickleText.Tensor("0", 4, 0, [2, 2], [1, 2])), ("b", PickleText.Tensor("0", 4, 1, [3], [1])),
            ("c", PickleText.Integer(3))),
        PickleText.Dictionary(("state_dict", PickleText.Dictionary(("w", PickleText.Tensor("0", 4, 0, [4], [1])))),
            ("epoch", PickleText.Integer(3)),
            ("names", PickleText.List(PickleText.Text("x"), PickleText.None)),
                ("optimizer", PickleText.Dictionary(("w", PickleText.Tensor("0", 4, 0, [4], [1]))))),
        PickleText.Dictionary(("model", PickleText.Dictionary(("w", PickleText.Tensor("0", 4, 0, [1, 1, 2, 2], [4, 4, 2, 1])))),
            ("model_ema", PickleText.Dictionary(("w", PickleText.Tensor("0", 4, 0, [1, 1, 2, 2], [0, 0, 0, 0]))))),
        PickleText.Instance("models", "Net", ("_parameters", PickleText.Dictionary(("w", PickleText.Tensor("0", 4, 0, [4], [1])))),
            ("_buffers", PickleText.Dictionary()),
            ("_modules", PickleText.Dictionary(("conv1", PickleText.Instance("models", "Conv", ("_parameters",
                PickleText.Dictionary(("weight", PickleText.Tensor("0", 4, 0, [1, 1, 2, 2], [4, 4, 2, 1]))))))))),
        PickleText.Instance("__torch__.models", "Net", ("conv1", PickleText.Instance("__torch__.models", "Conv", ("weight",
            PickleText.Tensor("0", 4, 0, [1, 1, 2, 2], [4, 4, 2, 1]))))),
        PickleText.Call(PickleText.Global("collections", "OrderedDict"),
            PickleText.List(PickleText.Tuple(PickleText.Text("w"), PickleText.Tensor("0", 4, 0, [4], [1])))),
        PickleText.Dictionary(("w", PickleText.Call(PickleText.Global("torch._utils", "_rebuild_parameter"),
            PickleText.Tensor("0", 4, 0, [4], [1]), [0x88], PickleText.None))),
    ];

    private static IReadOnlyList<Func<string, string>> Layouts { get; } =
    [
        name => name,
        name => "module." + name,
        name => "model.backbone." + name,
        name => name.Replace("fc.", "fc.1.", StringComparison.Ordinal),
        name => name.Replace("fc.", "linear.", StringComparison.Ordinal).Replace("downsample", "shortcut", StringComparison.Ordinal),
    ];

    private static IReadOnlyList<byte[]> Names { get; } =
    [
        .. Layouts.Select(layout => Encoding.UTF8.GetBytes("\n"
            + string.Join('\n', TinyModel.Renamed(layout).Select(tensor => tensor.Name)))),
        [.. "ema\nnet.last.2.weight\nnet.0.0.weight\nnet.b2.0.conv1.weight\nema.net.last.2.weight\nn_averaged"u8],
        [.. "\nembedder.embedder.convolution.weight\nencoder.stages.0.layers.0.layer.0.convolution.weight\nclassifier.1.weight"u8],
        [.. "\n4.0.conv1.weight\n0.weight\n1.weight\n5.0.downsample.0.weight"u8],
        [.. "model\nmodel.layer1.0.conv1.weight\nmodel_ema.layer1.0.conv1.weight"u8],
    ];

    private static Outcome Refusable(Func<string> read) => Outcome.Of<WeightsFormatException>(read);

    /// <summary>What was read and is written is read again as the same.</summary>
    private static string ReadTwice(byte[] file)
    {
        var tensors = Safetensors.Read(new MemoryStream(file), out var metadata);
        var again = Safetensors.Read(new MemoryStream(TinyModel.Safetensors(tensors, metadata)), out var metadataAgain);
        return tensors.Select(tensor => tensor.ToString()).SequenceEqual(again.Select(tensor => tensor.ToString()))
            && Describe(tensors) == Describe(again) && metadata.Order().SequenceEqual(metadataAgain.Order())
            ? Describe(tensors)
            : throw new InvalidOperationException("What was written is read as something else.");
    }

    private static string Describe(IEnumerable<NamedTensor> tensors)
        => string.Join(' ', tensors.Take(5).Select(tensor => $"{tensor.Type}[{tensor.Shape.Count}]{Sum(tensor)}"));

    private static string Describe(PyTorchCheckpoint read) => $"{read.Key is null} {read.OtherKeys.Count} {Describe(read.Tensors)}";

    // What was read is there to be used: each byte is looked at.
    private static int Sum(NamedTensor tensor)
    {
        if (tensor.Data.Length != tensor.ElementCount * tensor.Type.Size())
            throw new InvalidOperationException($"{tensor} has {tensor.Data.Length} bytes.");
        var sum = 0;
        foreach (var value in tensor.Data.Span)
            sum += value;
        return sum;
    }

    private static byte[] Header(byte[] file) => file[8..(8 + BinaryPrimitives.ReadInt32LittleEndian(file))];

    /// <summary>A file whose length of the header is right, with as much data as the header's largest number of up to four digits
    /// says.</summary>
    private static byte[] WithHeader(byte[] header)
    {
        var (most, number) = (0, 0);
        foreach (var digit in header)
        {
            number = char.IsAsciiDigit((char)digit) ? (number * 10) + digit - '0' : 0;
            if (number > 9999)
                number = 0;
            most = Math.Max(most, number);
        }
        var file = new byte[8 + header.Length + most];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file, 8);
        return file;
    }

    private static byte[] Archive(byte[] pickle)
    {
        using var stream = new MemoryStream();
        var zip = new StoredZipWriter(stream);
        zip.Add("a/data.pkl", pickle);
        zip.Add("a/data/0", Values.AsSpan(0, 16));
        zip.Add("a/data/1", Values);
        zip.Finish();
        return stream.ToArray();
    }

    private static byte[] PyTorch(IEnumerable<NamedTensor> tensors)
    {
        using var stream = new MemoryStream();
        PyTorchWriter.Write(stream, tensors);
        return stream.ToArray();
    }

    private static string ReadNames(byte[] lines)
    {
        var names = Encoding.UTF8.GetString(lines).Split('\n');
        var tensors = names.Skip(1).Distinct(StringComparer.Ordinal)
            .Select(name => new NamedTensor(name, ElementType.UInt8, [1], new byte[1]));
        var read = ForeignStateNames.Resolve(new PyTorchCheckpoint([.. tensors], null, []), names[0].Length == 0 ? null : names[0]);
        return $"{read.Key is null} {read.OtherKeys.Count} {read.Tensors.Count}";
    }
}
