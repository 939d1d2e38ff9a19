using Microsoft.ML.ResNet.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Cpu.Training;

/// <content>
/// Wide convolutions, whose weights come from far: they meet several shards of the batch in one call, in memory that holds all images. What
/// takes as much memory as weights is shared by all: weights are packed right before they are read, and sums are added up right after.
/// </content>
internal sealed unsafe partial class TrainingNetwork
{
    private const long MostFloatsOfRun = 512 << 10; // of inputs: 2 MiB

    private readonly NativeBuffer _wideInputs = new(); // all images with their borders, or on the way back in panels
    private readonly NativeBuffer _wideGradients = new();
    private readonly NativeBuffer _widePacked = new(); // the weights of the convolution that is being computed, for one direction
    private readonly NativeBuffer _wideSums = new(); // and what the shards gather for the gradient of these

    private void ShareWide()
    {
        _widePacked.EnsureLength(Wide(convolution => convolution.PackedLength));
        _wideSums.EnsureLength(Wide(convolution => convolution.ShardSumsLength));
        foreach (var convolution in _convolutions.Where(convolution => convolution.Shape.IsWide))
            convolution.Share(_widePacked.Pointer, _wideSums.Pointer);
    }

    private void EnsureRoomForWide()
    {
        _wideInputs.EnsureLength(_count * Wide(convolution => Math.Max(convolution.PaddedInputLength, convolution.PanelsLength)));
        _wideGradients.EnsureLength(_count * Wide(convolution => convolution.PaddedGradientLength));
    }

    private void ConvolveWide(TrainingConvolution convolution, Load loadInput)
    {
        Team.Run(convolution.Blocks, (block, worker) => convolution.PackForward(block, _scratch[worker].Pointer));
        ForEachRun(convolution, (run, worker) =>
        {
            for (var image = run.First; image < run.End; image++)
                loadInput(image, WideInput(convolution, image));
            convolution.Forward(WideInput(convolution, run.First), run.First, run.End - run.First, _scratch[worker].Pointer);
            ForEachShardOf(run, (first, end, shard) => convolution.Measure(first, end - first, shard));
        });
    }

    private void BackwardWide(TrainingConvolution convolution, Gradient from, Load loadInput, float* to, bool adds, Finish? finish)
    {
        if (to is not null)
            Team.Run(convolution.InputBlocks, (block, worker) => convolution.PackBackward(block, _scratch[worker].Pointer));
        ForEachRun(convolution, (run, worker) =>
        {
            var scratch = _scratch[worker].Pointer;
            for (var image = run.First; image < run.End; image++)
                convolution.LoadGradient(from(image, worker), image, WideGradient(convolution, image));
            if (to is not null)
                convolution.BackwardInput(WideGradient(convolution, run.First), to + (nint)run.First * convolution.Shape.InputLength,
                    run.End - run.First, adds, scratch);
            ForEachShardOf(run, (first, end, shard) =>
            {
                convolution.BeginBackwardWeights(shard);
                for (var image = first; image < end; image++)
                    if (convolution.GradientIsByBlock)
                        LoadPanels(convolution, loadInput, image, worker);
                    else
                        loadInput(image, WideInput(convolution, image));
                if (!convolution.GradientIsByBlock)
                    convolution.BackwardWeights(WideInput(convolution, first), WideGradient(convolution, first), end - first, shard,
                        scratch);
                FinishImages(convolution, to, first, end, shard, worker, finish);
                convolution.EndBackwardWeights(shard);
            });
        });
        Team.Run(convolution.Blocks, (block, worker) =>
        {
            if (convolution.GradientIsByBlock)
                convolution.BackwardWeightsOfBlock(block, _wideInputs.Pointer, _wideGradients.Pointer, _scratch[worker].Pointer);
            else
                convolution.EndBackward(block);
        });
    }

    private void LoadPanels(TrainingConvolution convolution, Load loadInput, int image, int worker)
    {
        loadInput(image, _inputs[worker].Pointer);
        convolution.PackPanels(_inputs[worker].Pointer, _wideInputs.Pointer + (nint)image * convolution.PanelsLength);
    }

    private float* WideInput(TrainingConvolution convolution, int image)
        => _wideInputs.Pointer + (nint)image * convolution.PaddedInputLength;

    private float* WideGradient(TrainingConvolution convolution, int image)
        => _wideGradients.Pointer + (nint)image * convolution.PaddedGradientLength;

    private long Wide(Func<TrainingConvolution, long> length)
        => _convolutions.Where(convolution => convolution.Shape.IsWide).Select(length).DefaultIfEmpty().Max();

    // So few shards that their inputs stay in a cache until they are read, and that all threads have something to do.
    private void ForEachRun(TrainingConvolution convolution, Action<Run, int> work)
    {
        var floats = convolution.PaddedInputLength * Math.Max(1, _all / _shards.Shards);
        var shards = (int)Math.Clamp(MostFloatsOfRun / floats, 1, Math.Max(1, _shards.Own.Count / Team.Size));
        var runs = (_shards.Own.Count + shards - 1) / shards;
        Team.Run(runs, (index, worker) =>
        {
            var own = _shards.Own;
            var (firstShard, endShard) = (own.First + own.Count * index / runs, own.First + own.Count * (index + 1) / runs);
            var run = new Run(FirstImage(firstShard), FirstImage(endShard), firstShard, endShard);
            if (run.First < run.End)
                work(run, worker);
        });
    }

    private void ForEachShardOf(Run run, Action<int, int, int> work)
    {
        for (var shard = run.FirstShard; shard < run.EndShard; shard++)
            if (FirstImage(shard) < FirstImage(shard + 1))
                work(FirstImage(shard), FirstImage(shard + 1), shard);
    }

    // Images of some shards, one behind the other.
    private readonly record struct Run(int First, int End, int FirstShard, int EndShard);
}
