namespace Microsoft.ML.ResNet.Cpu.Training;

/// <content>How the images of a batch are shared out among threads: in shards, which are the same for any number of them.</content>
internal sealed unsafe partial class TrainingNetwork
{
    private const long MostFloatsOfRun = 512 << 10; // of inputs: 2 MiB

    // A few images at a time in the scratch memory of a worker.
    private void ForEachGroup(TrainingConvolution convolution, GroupWork work, Action<int>? beginShard = null,
        Action<int>? endShard = null)
        => ForEachShard((first, end, shard, worker) =>
        {
            beginShard?.Invoke(shard);
            for (var image = first; image < end; image += convolution.GroupSize)
                work(image, Math.Min(convolution.GroupSize, end - image), shard, _inputs[worker].Pointer, _gradients[worker].Pointer,
                    _scratch[worker].Pointer);
            endShard?.Invoke(shard);
        });

    // With a wide convolution some shards at a time, in memory that holds all images: weights come from far, and are worth their way for
    // many images, but inputs should stay in a cache until they are read, and all threads have something to do.
    private void ForEachRun(TrainingConvolution convolution, Action<Run, int> work)
    {
        var floats = convolution.PaddedInputLength * Math.Max(1, _all / _shards.Shards);
        var shards = (int)Math.Clamp(MostFloatsOfRun / floats, 1, Math.Max(1, _shards.Own.Count / _team.Size));
        var runs = (_shards.Own.Count + shards - 1) / shards;
        _team.Run(runs, (index, worker) =>
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

    private void ForEachImage(Action<int, int> work) => ForEachShard((first, end, shard, _) =>
    {
        for (var image = first; image < end; image++)
            work(image, shard);
    });

    // Shards are the same whatever the number of threads, and of processes. Small batches leave some shards empty.
    private void ForEachShard(Action<int, int, int, int> work) => _team.Run(_shards.Own.Count, (index, worker) =>
    {
        var shard = _shards.Own.First + index;
        var (first, end) = (FirstImage(shard), FirstImage(shard + 1));
        if (first < end)
            work(first, end, shard, worker);
    });

    // Of a shard; images count from the first that is computed here.
    private int FirstImage(int shard) => _shards.FirstImage(_all, shard) - _shards.FirstImage(_all, _shards.Own.First);

    // Images of some shards, one behind the other.
    private readonly record struct Run(int First, int End, int FirstShard, int EndShard);

    // Inputs and gradients have room for all images of the group.
    private delegate void GroupWork(int first, int images, int shard, float* inputs, float* gradients, float* scratch);
}
