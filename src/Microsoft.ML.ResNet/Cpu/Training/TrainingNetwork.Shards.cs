namespace Microsoft.ML.ResNet.Cpu.Training;

/// <content>How the images of a batch are shared out among threads: in shards, which are the same for any number of them.</content>
internal sealed unsafe partial class TrainingNetwork
{
    // A few images at a time.
    private void ForEachGroup(TrainingConvolution convolution, GroupWork work, Action<int>? beginShard = null,
        Action<int>? endShard = null)
        => ForEachShard((first, end, shard, worker) =>
        {
            beginShard?.Invoke(shard);
            for (var image = first; image < end; image += convolution.GroupSize)
                work(image, Math.Min(convolution.GroupSize, end - image), shard, worker);
            endShard?.Invoke(shard);
        });

    private void ForEachImage(Action<int, int, int> work) => ForEachShard((first, end, shard, worker) =>
    {
        for (var image = first; image < end; image++)
            work(image, shard, worker);
    });

    // Shards are the same whatever the number of threads, and of processes. Small batches leave some shards empty.
    private void ForEachShard(Action<int, int, int, int> work) => Team.Run(_shards.Own.Count, (index, worker) =>
    {
        var shard = _shards.Own.First + index;
        var (first, end) = (FirstImage(shard), FirstImage(shard + 1));
        if (first < end)
            work(first, end, shard, worker);
    });

    // Of a shard; images count from the first that is computed here.
    private int FirstImage(int shard) => _shards.FirstImage(_all, shard) - _shards.FirstImage(_all, _shards.Own.First);

    // A worker has room for the inputs and gradients of all images of the group.
    private delegate void GroupWork(int first, int images, int shard, int worker);
}
