using Microsoft.ML.ResNet.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Cpu.Training;

/// <content>
/// The weights, packed for each direction, and their gradient: gathered in shards of the batch, which are added up as a tree.
/// </content>
internal sealed unsafe partial class TrainingConvolution
{
    private const int FloatsAtATime = 1024; // of sums that are added up: all shards' stay in the first-level cache

    /// <summary>
    /// Gives a convolution of many weights memory that others use as well: what it holds is lost as soon as these are computed.
    /// </summary>
    /// <param name="packed">The weights for one direction: <see cref="PackedLength"/> floats.</param>
    /// <param name="sums">What shards gather: <see cref="ShardSumsLength"/> floats.</param>
    public void Share(float* packed, float* sums) => UseMemory(packed, packed, sums);

    /// <summary>Packs one of <see cref="Blocks"/> of the weights for <see cref="Forward"/>.</summary>
    public void PackForward(int block, float* scratch) => _kernel.PackForward(block, _weights, _packedForward, scratch);

    /// <summary>Packs one of <see cref="InputBlocks"/> of the weights for <see cref="BackwardInput"/>.</summary>
    public void PackBackward(int block, float* scratch) => _kernel.PackBackward(block, _weights, _packedBackward, scratch);

    /// <summary>Begins to gather the gradient of the weights in a shard that has images.</summary>
    public void BeginBackwardWeights(int shard)
    {
        if (!GradientIsByBlock)
            NativeBuffer.Clear(WeightSums(shard), _kernel.SumsLength);
    }

    /// <summary>
    /// Gathers the gradient of the weights that a group of images causes, where <see cref="GradientIsByBlock"/> is false;
    /// <see cref="EndBackward"/> adds up.
    /// </summary>
    public void BackwardWeights(float* padded, float* paddedGradient, int images, int shard, float* scratch)
        => _kernel.BackwardWeights(padded, paddedGradient, images, WeightSums(shard), scratch);

    /// <summary>Ends to gather the gradient of the weights in a shard that has images.</summary>
    public void EndBackwardWeights(int shard)
    {
        if (!GradientIsByBlock)
            _kernel.EndBackwardWeights(WeightSums(shard));
    }

    /// <summary>
    /// Gathers the gradient of one block of weights over the images that are computed here, and, where these are all, adds it to what the
    /// weights have. For where <see cref="GradientIsByBlock"/> is true.
    /// </summary>
    /// <param name="block">Which block of outputs.</param>
    /// <param name="panels">The inputs in panels, <see cref="PanelsLength"/> apart.</param>
    /// <param name="paddedGradient">The gradients of the outputs with their borders, <see cref="PaddedGradientLength"/> apart.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats.</param>
    public void BackwardWeightsOfBlock(int block, float* panels, float* paddedGradient, float* scratch)
    {
        var own = scratch + _kernel.CompactLength;
        if (_shards.Size == 1)
        {
            Gather(_nodes[0], own, own + _kernel.BlockSumsLength);
            _kernel.Unpack(block, own, _weightGradient); // while they are in the cache
        }
        else
            for (var node = 0; node < _nodes.Count; node++)
                Gather(_nodes[node], NodeSums(node) + _kernel.FirstSum(block), own);

        // Sums of the second half of a subtree wait in scratch memory, behind those of the halves that they are the second of.
        void Gather(ShardTree.Node shards, float* sums, float* spare)
        {
            var (first, ownFirst) = (_shards.FirstImage(_images, shards.First), _shards.FirstImage(_images, _shards.Own.First));
            var (images, before) = (_shards.FirstImage(_images, shards.End) - first,
                shards.Count > 1 ? _shards.FirstImage(_images, shards.Middle) - first : 0);
            if (shards.Count == 1 || images == 0)
            {
                _kernel.BackwardWeightsOfBlock(block, panels + (nint)(first - ownFirst) * PanelsLength,
                    paddedGradient + (nint)(first - ownFirst) * PaddedGradientLength, images, scratch, sums);
                return;
            }
            Gather(shards with { End = shards.Middle }, sums, spare);
            if (before == images)
                return; // the second half has none
            Gather(shards with { First = shards.Middle }, spare, spare + _kernel.BlockSumsLength);
            ChannelKernels.Add(spare, _kernel.SumsOfBlock(block), sums);
        }
    }

    /// <summary>
    /// Adds up what was gathered here for one block of weights, a subtree of shards at a time, and, where these are all, adds it to what
    /// the weights have. For where <see cref="GradientIsByBlock"/> is false.
    /// </summary>
    /// <param name="block">Which block of outputs.</param>
    public void EndBackward(int block)
    {
        var spare = stackalloc float[ShardTree.Depth(_shards.Shards) * FloatsAtATime];
        var (begin, end) = (_kernel.FirstSum(block), _kernel.FirstSum(block) + _kernel.SumsOfBlock(block));
        for (var node = 0; node < _nodes.Count; node++)
            for (var first = begin; first < end; first += FloatsAtATime)
                AddUp(_nodes[node], first, Math.Min(FloatsAtATime, end - first), NodeSums(node) + first, spare);
        if (_shards.Size == 1)
            _kernel.Unpack(block, NodeSums(0) + begin, _weightGradient);

        // Some sums of a subtree; those of second halves wait in spare memory. Shards without images have gathered nothing.
        void AddUp(ShardTree.Node shards, long first, long count, float* target, float* spare)
        {
            if (IsEmpty(shards))
                NativeBuffer.Clear(target, count);
            else if (shards.Count > 1)
            {
                AddUp(shards with { End = shards.Middle }, first, count, target, spare);
                if (IsEmpty(shards with { First = shards.Middle }))
                    return;
                AddUp(shards with { First = shards.Middle }, first, count, spare, spare + FloatsAtATime);
                ChannelKernels.Add(spare, count, target);
            }
            else if (target != WeightSums(shards.First) + first)
                NativeBuffer.Copy(WeightSums(shards.First) + first, target, count);
        }

        bool IsEmpty(ShardTree.Node shards) => _shards.FirstImage(_images, shards.First) == _shards.FirstImage(_images, shards.End);
    }

    /// <summary>
    /// What a subtree has gathered; known at the end of the way back. Not for one process where <see cref="GradientIsByBlock"/> is true:
    /// there sums are added to the gradient at once.
    /// </summary>
    /// <param name="node">Which of those whose shards are computed here.</param>
    public float* NodeSums(int node)
        => _nodeSums.Length > 0 ? _nodeSums.Pointer + (nint)node * (nint)SumsLength : WeightSums(_nodes[node].First);

    /// <summary>Adds what all shards have gathered to the gradient of the weights.</summary>
    /// <param name="sums">Their sum.</param>
    public void AddWeights(float* sums)
    {
        for (var block = 0; block < Blocks; block++)
            _kernel.Unpack(block, sums + _kernel.FirstSum(block), _weightGradient);
    }

    /// <summary>Brings a scratch image into the order that <see cref="BackwardWeightsOfBlock"/> reads.</summary>
    public void PackPanels(float* padded, float* panels) => _kernel.PackPanels(padded, panels);

    private void UseMemory(float* packedForward, float* packedBackward, float* sums)
    {
        _packedForward = packedForward;
        _packedBackward = packedBackward;
        _sums = sums;
    }

    private float* WeightSums(int shard) => _sums + (nint)(shard - _shards.Own.First) * (nint)_kernel.SumsLength;
}
