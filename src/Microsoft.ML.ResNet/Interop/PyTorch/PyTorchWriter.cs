using System.Globalization;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>
/// Writes a <c>state_dict</c> as <c>torch.save</c> does: an <c>OrderedDict</c> of tensors that <c>torch.load</c> of PyTorch 1.6 and later
/// reads, with
/// <c>weights_only=True</c> too, and that <c>load_state_dict</c> takes.
/// </summary>
internal static class PyTorchWriter
{
    private const string Folder = "archive/"; // torch.save uses the file's name; torch.load takes any
    private const int MaximumTensors = 60_000;
    private const long MaximumLength = 4_000_000_000;

    /// <summary>Writes a file.</summary>
    /// <param name="stream">Written from its position; need not be seekable; stays open.</param>
    /// <param name="tensors">
    /// In this order; distinct names; data as long as type and shape say; at most 60,000 tensors and 4 GB altogether.
    /// </param>
    /// <exception cref="ArgumentException">The tensors are not like that.</exception>
    public static void Write(Stream stream, IEnumerable<NamedTensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(tensors);
        var state = tensors.ToList();
        Check(state);

        var archive = new StoredZipWriter(stream);
        archive.Add(Folder + "data.pkl", Pickle(state));
        archive.Add(Folder + "byteorder", "little"u8);
        for (var i = 0; i < state.Count; i++)
            archive.Add($"{Folder}data/{Key(i)}", state[i].Data.Span);
        archive.Add(Folder + "version", "3\n"u8);
        archive.Finish();
    }

    private static void Check(List<NamedTensor> state)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tensor in state)
        {
            TensorSize.Require(tensor);
            if (!names.Add(tensor.Name))
                throw new ArgumentException($"Expected distinct tensor names; got '{tensor.Name}' twice.", nameof(state));
        }
        var length = state.Sum(tensor => (long)tensor.Data.Length);
        if (state.Count > MaximumTensors || length > MaximumLength)
            throw new ArgumentException(
                $"Expected at most {MaximumTensors} tensors and {MaximumLength} bytes for a PyTorch file; got {state.Count} tensors and "
                + $"{length} bytes. "
                + "Write safetensors instead, which has no such limit.", nameof(state));
    }

    private static byte[] Pickle(List<NamedTensor> state)
    {
        var pickle = new PickleWriter();
        WriteOrderedDict(pickle);
        pickle.Write(PickleOpcode.Mark);
        for (var i = 0; i < state.Count; i++)
        {
            pickle.WriteText(state[i].Name);
            WriteTensor(pickle, state[i], Key(i));
        }
        pickle.Write(PickleOpcode.SetItems);
        return pickle.Finish();
    }

    /// <summary>The call <c>_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)</c>.</summary>
    private static void WriteTensor(PickleWriter pickle, NamedTensor tensor, string key)
    {
        pickle.WriteGlobal("torch._utils", "_rebuild_tensor_v2");
        pickle.Write(PickleOpcode.Mark);
        WriteStorage(pickle, tensor, key);
        pickle.WriteInteger(0);
        pickle.WriteTuple(tensor.Shape);
        pickle.WriteTuple(RowMajorStrides(tensor.Shape));
        pickle.Write(PickleOpcode.NewFalse);
        WriteOrderedDict(pickle);
        pickle.Write(PickleOpcode.Tuple);
        pickle.Write(PickleOpcode.Reduce);
    }

    private static void WriteStorage(PickleWriter pickle, NamedTensor tensor, string key)
    {
        pickle.Write(PickleOpcode.Mark);
        pickle.WriteText("storage");
        pickle.WriteGlobal("torch", PyTorchGlobals.StorageName(tensor.Type));
        pickle.WriteText(key);
        pickle.WriteText("cpu");
        pickle.WriteInteger(tensor.ElementCount);
        pickle.Write(PickleOpcode.Tuple);
        pickle.Write(PickleOpcode.BinPersistentId);
    }

    private static void WriteOrderedDict(PickleWriter pickle)
    {
        pickle.WriteGlobal("collections", "OrderedDict");
        pickle.Write(PickleOpcode.EmptyTuple);
        pickle.Write(PickleOpcode.Reduce);
    }

    private static long[] RowMajorStrides(IReadOnlyList<long> shape)
    {
        var strides = new long[shape.Count];
        var stride = 1L;
        for (var i = shape.Count - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= Math.Max(1, shape[i]); // as PyTorch counts for empty tensors
        }
        return strides;
    }

    private static string Key(int index) => index.ToString(CultureInfo.InvariantCulture);
}
