using Google.Protobuf;

namespace Microsoft.ML.ResNet.Interop.Onnx;

/// <summary>
/// Looks over an ONNX file before memory is taken for it. Parsing makes an object of every field, so that a file of empty messages would
/// take a hundred times its size; here nothing is kept, and the bytes of tensors are passed over.
/// </summary>
internal static class OnnxStructure
{
    /// <summary>
    /// What a graph may take beside its tensors, each field counting <see cref="FieldCost"/> and its length: a network of 1,202 layers
    /// takes about 15,000,000.
    /// </summary>
    public const long MaximumCost = 100_000_000;

    private const int FieldCost = 100; // bytes: an object of the parser has up to 150

    // Parts of messages that are messages themselves, by the schema's field numbers.
    private static readonly Dictionary<(Message In, int Field), Message> Parts = new()
    {
        [(Message.Model, 7)] = Message.Graph,
        [(Message.Graph, 1)] = Message.Node,
        [(Message.Graph, 5)] = Message.Tensor,
        [(Message.Graph, 11)] = Message.Other,
        [(Message.Graph, 12)] = Message.Other,
        [(Message.Node, 5)] = Message.Attribute,
        [(Message.Attribute, 5)] = Message.Tensor,
        [(Message.Tensor, 4)] = Message.Elements,
        [(Message.Tensor, 9)] = Message.Elements,
        [(Message.Tensor, 10)] = Message.Elements,
    };

    private enum Message { Model, Graph, Node, Attribute, Tensor, Elements, Other }

    /// <summary>Checks a file from the stream's position on.</summary>
    /// <exception cref="WeightsFormatException">It ends early, or promises too much.</exception>
    /// <exception cref="InvalidProtocolBufferException">It is no protobuf message.</exception>
    public static void Check(Stream stream)
    {
        var cost = 0L;
        Check(CodedInputStream.CreateWithLimits(stream, int.MaxValue, recursionLimit: 16), Message.Model, stream.Length, ref cost);
    }

    private static void Check(CodedInputStream input, Message message, long end, ref long cost)
    {
        while (input.Position < end)
        {
            var tag = input.ReadTag();
            if (tag == 0)
                throw OnnxNetwork.Error($"byte {input.Position}", $"expected {end - input.Position} more bytes, found the end of the file");
            cost += FieldCost;
            var part = Parts.TryGetValue((message, WireFormat.GetTagFieldNumber(tag)), out var found) ? found : (Message?)null;
            if (part is { } inner && inner is not (Message.Elements or Message.Other)
                && WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
            {
                var length = input.ReadLength();
                if (length > end - input.Position)
                    throw OnnxNetwork.Error($"byte {input.Position}", $"expected a part of {length} bytes, found {end - input.Position}");
                Check(input, inner, input.Position + length, ref cost);
            }
            else
            {
                var start = input.Position;
                input.SkipLastField();
                // shapes of inputs and outputs are messages of two bytes for each dimension
                cost += part switch { Message.Elements => 0, Message.Other => FieldCost / 2, _ => 1 } * (input.Position - start);
            }
            if (cost > MaximumCost)
                throw OnnxNetwork.Error($"byte {input.Position}",
                    "expected the graph of a residual network, found one that is larger than any of 1,000 layers");
        }
        if (input.Position != end)
            throw OnnxNetwork.Error($"byte {input.Position}", $"expected the end of a part at byte {end}, found a field across it");
    }
}
