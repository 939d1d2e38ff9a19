using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>
/// Tensors that lie one after the other in a single one, so that one operation changes them all: on a GPU what an operation on a small
/// tensor costs is its launch.
/// </summary>
internal sealed class JoinedTensors : IDisposable
{
    private readonly List<Part> _parts = [];

    /// <summary>Moves tensors together; they stay their owner's, keep shapes and strides, and are views from now on.</summary>
    /// <param name="tensors">Dense tensors of one type, on one device; at least one.</param>
    public JoinedTensors(IReadOnlyList<Tensor> tensors)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        All = Join(tensors).DetachFromDisposeScope();
        var first = 0L;
        foreach (var tensor in tensors)
        {
            _parts.Add(new Part(first, tensor.shape, tensor.stride()));
            tensor.set_(_parts[^1].Of(All));
            first += tensor.numel();
        }
    }

    /// <summary>All of them: one dimension.</summary>
    public Tensor All { get; }

    /// <summary>Copies tensors into a single one, in the order in which they lie in memory.</summary>
    /// <param name="tensors">Dense tensors of one type, on one device; at least one.</param>
    /// <returns>One dimension; the caller owns it.</returns>
    public static Tensor Join(IEnumerable<Tensor> tensors)
    {
        using var scope = NewDisposeScope();
        return cat([.. tensors.Select(tensor => tensor.as_strided([tensor.numel()], [1], tensor.storage_offset()))])
            .MoveToOuterDisposeScope();
    }

    /// <summary>What belongs to one of the tensors in a tensor that is as long as all of them.</summary>
    /// <param name="index">Which of the tensors.</param>
    /// <param name="all">One dimension, dense, from the start of its memory.</param>
    /// <returns>A view of the shape and the strides of that tensor; the caller disposes it.</returns>
    public Tensor PartOf(int index, Tensor all) => _parts[index].Of(all);

    /// <summary>Frees the joint view; the tensors stay.</summary>
    public void Dispose() => All.Dispose();

    private readonly record struct Part(long First, long[] Shape, long[] Strides)
    {
        public Tensor Of(Tensor all) => all.as_strided(Shape, Strides, First);
    }
}
