using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Cpu.Training;

/// <summary>
/// The parameters of a network whose maps have channels of zeros behind their own: weights of zeros come and go there, and a batch
/// normalisation gives zeros. They are copies, so what is computed goes back to the network's own at the end of each way.
/// </summary>
internal sealed unsafe class WidenedParameters : IParameterMemory, IDisposable
{
    private readonly IParameterMemory _parameters;
    private readonly Dictionary<string, Entry> _entries; // of those that are made wider

    /// <param name="parameters">The network's own.</param>
    /// <param name="own">What the network trains.</param>
    /// <param name="widened">The same of the network that is computed.</param>
    public WidenedParameters(IParameterMemory parameters, IEnumerable<StateEntry> own, IEnumerable<StateEntry> widened)
    {
        _parameters = parameters;
        _entries = own.Zip(widened).Where(pair => pair.First.Type == ElementType.Float32
                && !pair.First.Shape.SequenceEqual(pair.Second.Shape))
            .ToDictionary(pair => pair.First.Name, pair => new Entry(pair.First, pair.Second), StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public float* Values(string name)
    {
        if (!_entries.TryGetValue(name, out var entry))
            return _parameters.Values(name);
        entry.Widen(_parameters.Values(name));
        return entry.Values.Pointer;
    }

    /// <inheritdoc/>
    public float* Gradient(string name)
    {
        if (!_entries.TryGetValue(name, out var entry))
            return _parameters.Gradient(name);
        NativeBuffer.Clear(entry.Gradient.Pointer, entry.Gradient.Length);
        return entry.Gradient.Pointer;
    }

    /// <summary>Brings back the running statistics, which the way forward has moved.</summary>
    public void EndForward()
    {
        foreach (var (name, entry) in _entries)
            if (!entry.IsParameter)
                entry.Narrow(entry.Values.Pointer, _parameters.Values(name), adds: false);
    }

    /// <summary>Adds the gradients to those that the network's own parameters have.</summary>
    public void EndBackward()
    {
        foreach (var (name, entry) in _entries)
            if (entry.IsParameter)
                entry.Narrow(entry.Gradient.Pointer, _parameters.Gradient(name), adds: true);
    }

    /// <summary>Frees the copies.</summary>
    public void Dispose()
    {
        foreach (var entry in _entries.Values)
        {
            entry.Values.Dispose();
            entry.Gradient.Dispose();
        }
    }

    // Rows of inputs, a row for each output and place of the kernel; a vector of channels is one row.
    private sealed class Entry(StateEntry own, StateEntry widened)
    {
        private readonly int _rows = (int)(own.Shape.Length == 1 ? 1 : own.Length / own.Shape[1]);
        private readonly int _length = (int)(own.Shape.Length == 1 ? own.Length : own.Shape[1]);
        private readonly int _widenedLength = (int)(own.Shape.Length == 1 ? widened.Length : widened.Shape[1]);

        public bool IsParameter => own.IsParameter;

        public NativeBuffer Values { get; } = new(widened.Length, zeroed: true);

        public NativeBuffer Gradient { get; } = new(own.IsParameter ? widened.Length : 0);

        public void Widen(float* from)
        {
            for (var row = 0; row < _rows; row++)
                NativeBuffer.Copy(from + (nint)row * _length, Values.Pointer + (nint)row * _widenedLength, _length);
        }

        public void Narrow(float* from, float* to, bool adds)
        {
            for (var row = 0; row < _rows; row++, from += _widenedLength, to += _length)
                if (!adds)
                    NativeBuffer.Copy(from, to, _length);
                else
                    for (var i = 0; i < _length; i++)
                        to[i] += from[i];
        }
    }
}
