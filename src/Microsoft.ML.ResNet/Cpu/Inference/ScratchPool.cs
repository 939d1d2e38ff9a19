using System.Collections.Concurrent;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>Memory that a layer needs while it computes, handed from one to the next. Thread-safe.</summary>
internal sealed class ScratchPool
{
    private readonly ConcurrentBag<AlignedFloats> _free = [];

    /// <summary>Takes some memory; give it back with <see cref="Return"/>.</summary>
    /// <param name="length">Floats, at least; they hold anything.</param>
    public AlignedFloats Rent(int length) => _free.TryTake(out var memory) && memory.Length >= length ? memory : new AlignedFloats(length);

    /// <summary>Gives memory back.</summary>
    public void Return(AlignedFloats memory) => _free.Add(memory);
}
