using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Training;

/// <summary>
/// Forward and backward through a network while it is trained, from images to pooled features and back: the numbers of autograd but for
/// rounding, in a third of its passes over memory. Batch normalisation, rectification and addition happen while convolutions read and
/// write; what is kept for the way back is the output of each convolution and of each block.
/// </summary>
internal sealed unsafe partial class TrainingNetwork : IDisposable
{
    /// <summary>Images of a batch where nothing else is said.</summary>
    public const int DefaultBatchSize = 128;

    private readonly IParameterMemory _parameters;
    private readonly List<TrainingBlock> _blocks = []; // the stem first, unless it is frozen
    private readonly List<TrainingConvolution> _convolutions;
    private readonly ShardGroup _shards;
    private readonly GradientSum? _gradientSum; // over several processes
    private readonly NativeBuffer[] _inputs; // for each worker: some images with their borders
    private readonly NativeBuffer[] _gradients; // the same
    private readonly NativeBuffer[] _scratch; // for each worker: what a kernel takes
    private readonly NativeBuffer _features = new(); // of the images that are computed here
    private readonly NativeBuffer _allFeatures = new(); // with several processes: of the whole batch
    private readonly NativeBuffer[] _between = [new(), new(), new(), new()]; // gradients on the way back: two between blocks, two inside
    private float* _images;
    private int _all; // images in the batch
    private int _count; // those that are computed here

    /// <param name="plan">A plan that <see cref="TrainablePlan.IsSupported"/>.</param>
    /// <param name="frozenStages">
    /// Stages behind the stem that are not trained: <see cref="Forward"/> then reads what they deliver. 0 freezes the stem alone;
    /// <see langword="null"/> freezes nothing.
    /// </param>
    /// <param name="parameters">Where the network's parameters and gradients lie.</param>
    /// <param name="threads">Threads to compute with; at least 1.</param>
    /// <param name="shards">
    /// Shards that a batch is cut into, and who computes them; <see langword="null"/>, the default, is one process and as many as usual.
    /// </param>
    /// <param name="batchSize">
    /// Images of a batch, as a rule; kernels are chosen for it. The default is <see cref="DefaultBatchSize"/>.
    /// </param>
    public TrainingNetwork(NetworkPlan plan, int? frozenStages, IParameterMemory parameters, int threads, ShardGroup? shards = null,
        int batchSize = DefaultBatchSize)
    {
        _shards = shards ?? new ShardGroup(ShardGroup.DefaultShards);
        FeatureWidth = plan.Features.Output.Channels;
        if (TrainablePlan.Widened(plan, frozenStages) is { } widened)
        {
            _widened = new WidenedParameters(parameters, TrainablePlan.StateOf(plan, frozenStages),
                TrainablePlan.StateOf(widened, frozenStages));
            _imageChannels = TrainablePlan.Trained(plan, frozenStages).First().Input.Output.Channels;
            plan = widened;
        }
        _parameters = _widened ?? parameters;
        _blocks.AddRange(TrainablePlan.Trained(plan, frozenStages).GroupBy(step => step.Block)
            .Select(block => BlockOf([.. block], _shards, batchSize)));
        _convolutions = [.. _blocks.SelectMany(block => block.Convolutions)];
        _inputs = ForEachWorker(convolution => convolution.GroupSize * convolution.PaddedInputLength);
        _gradients = ForEachWorker(convolution => convolution.Shape.IsWide ? 0 : convolution.GroupSize * convolution.PaddedGradientLength);
        _scratch = ForEachWorker(convolution => Math.Max(convolution.ScratchLength, _blocks.Max(block => block.ScratchLength)));
        _gradientSum = _shards.Size > 1 ? new GradientSum(_shards, _convolutions) : null;
        ShareWide();
        Team = new WorkerTeam(threads); // last: nothing that fails leaves threads behind

        NativeBuffer[] ForEachWorker(Func<TrainingConvolution, long> length)
            => [.. Enumerable.Range(0, Math.Max(1, threads)).Select(_ => new NativeBuffer(_convolutions.Max(length)))];
    }

    /// <summary>The features of the whole batch of the last <see cref="Forward"/>: images x <see cref="FeatureWidth"/>.</summary>
    public float* Features => _shards.Size > 1 ? _allFeatures.Pointer : _features.Pointer;

    /// <summary>Features of an image.</summary>
    public int FeatureWidth { get; }

    /// <summary>The threads that it computes with.</summary>
    public WorkerTeam Team { get; }

    /// <summary>Images to <see cref="Features"/>.</summary>
    /// <param name="images">
    /// Normalised images, or what frozen stages make of them, in the order images x height x width x channels. They must stay until
    /// <see cref="Backward"/> is done. With several processes each gives those of its shards.
    /// </param>
    /// <param name="count">How many images there are in the batch.</param>
    public void Forward(float* images, int count)
    {
        _images = images;
        _all = count;
        _count = _shards.ImagesOf(count, _shards.Rank).Count;
        if (_widened is not null)
            _images = WidenedImages(images);
        EnsureRoomForWide();
        Team.Run(_convolutions.Count, (index, worker)
            => _convolutions[index].BeginForward(_all, _count, _parameters, _scratch[worker].Pointer));
        for (var index = 0; index < _blocks.Count; index++)
        {
            _blocks[index].EnsureRoom(_count);
            Convolve(index);
        }
        Pool();
        _widened?.EndForward();
    }

    /// <summary>The way back: adds the gradients of all parameters that train, but the classifier's, to what they have.</summary>
    /// <param name="features">The gradient of <see cref="Features"/>.</param>
    public void Backward(float* features)
    {
        features += (nint)_shards.ImagesOf(_all, _shards.Rank).First * FeatureWidth;
        if (_widened is not null)
            features = Widened(features);
        var (between, inside) = (_blocks.Max(block => block.OutputLength), _blocks.SelectMany(block => block.Chain.Skip(1))
            .Select(convolution => convolution.Shape.InputLength).DefaultIfEmpty().Max());
        for (var index = 0; index < _between.Length; index++)
            _between[index].EnsureLength(_count * (index < 2 ? between : inside));
        Team.Run(_convolutions.Count, (index, _) => _convolutions[index].PrepareBackward(_parameters));
        var (outer, other) = (_between[0], _between[1]);
        var last = _blocks[^1];
        ForEachImage((image, shard, worker) =>
        {
            var target = outer.Pointer + (nint)image * last.OutputLength;
            ChannelKernels.PoolGradient(features + (nint)image * last.OutputChannels, last.OutputPixels, last.OutputChannels, target);
            last.Mask(target, image, shard, _scratch[worker].Pointer);
        });
        for (var index = _blocks.Count - 1; index >= 0; index--)
            if (BackwardBlock(index, outer, other))
                (outer, other) = (other, outer);
        Team.Run(_convolutions.Count, (index, _) => EndBackward(_convolutions[index]));
        _gradientSum?.Run(Team);
        _widened?.EndBackward();
    }

    /// <summary>Ends the threads and frees what is kept.</summary>
    public void Dispose()
    {
        Team.Dispose();
        _gradientSum?.Dispose();
        _widened?.Dispose();
        foreach (var memory in (IEnumerable<NativeBuffer>)[.. _inputs, .. _gradients, .. _scratch, .. _between, _wideInputs,
            _wideGradients, _widePacked, _wideSums, _features, _allFeatures, _widenedFeatures, _widenedImages])
            memory.Dispose();
        foreach (var block in _blocks)
            block.Dispose();
    }

    // Wide convolutions have ended, each before the next.
    private static void EndBackward(TrainingConvolution convolution)
    {
        if (convolution.Shape.IsWide)
            return;
        for (var block = 0; block < convolution.Blocks; block++)
            convolution.EndBackward(block);
    }

    private static TrainingBlock BlockOf(IReadOnlyList<PlanStep> steps, ShardGroup shards, int batchSize)
    {
        var convolutions = steps.OfType<ConvolutionStep>().ToList();
        var projection = convolutions.SingleOrDefault(step => step.IsShortcut);
        var chain = convolutions.Where(step => !step.IsShortcut).ToList();
        return new TrainingBlock([.. chain.Select(step => new TrainingConvolution(step, shards, batchSize))],
            addsInput: chain[^1].Adds is { } added && added.Block != chain[^1].Block,
            projection is null ? null : new TrainingConvolution(projection, shards, batchSize),
            steps.OfType<ChannelPaddingStep>().SingleOrDefault(), steps.OfType<MaxPoolStep>().SingleOrDefault());
    }

    // A block: its first convolution while the rectified sum of the block before is computed, those behind it, and the projection.
    private void Convolve(int index)
    {
        var (block, before) = (_blocks[index], index > 0 ? _blocks[index - 1] : null);
        Convolve(block.Chain[0], (image, padded) =>
        {
            before?.Activate(Input(index - 1, image), image);
            block.Chain[0].LoadInput(Input(index, image), padded);
        });
        for (var link = 1; link < block.Chain.Count; link++)
        {
            var (linked, convolution) = (block.Chain[link - 1], block.Chain[link]);
            Convolve(convolution, (image, padded) => linked.LoadOutput(image, padded, convolution.Shape.Padding));
        }
        if (block.Projection is { } projection)
            Convolve(projection, (image, padded) => projection.LoadInput(Input(index, image), padded));
    }

    private void Convolve(TrainingConvolution convolution, Load loadInput)
    {
        if (convolution.IsByBlock)
            ConvolveByBlock(convolution, loadInput);
        else if (convolution.Shape.IsWide)
            ConvolveWide(convolution, loadInput);
        else
            ForEachGroup(convolution, (first, images, shard, worker) =>
            {
                var inputs = _inputs[worker].Pointer;
                for (var i = 0; i < images; i++)
                    loadInput(first + i, inputs + (nint)i * convolution.PaddedInputLength);
                convolution.Forward(inputs, first, images, _scratch[worker].Pointer);
                convolution.Measure(first, images, shard);
            });
        convolution.EndForward();
    }

    private void Pool()
    {
        var last = _blocks[^1];
        _features.EnsureLength((long)_count * last.OutputChannels);
        ForEachImage((image, _, _) =>
        {
            last.Activate(Input(_blocks.Count - 1, image), image);
            ChannelKernels.Pool(last.Output(image), last.OutputPixels, last.OutputChannels,
                _features.Pointer + (nint)image * last.OutputChannels);
        });
        if (_widened is not null)
            for (var image = 1; image < _count; image++) // each moves to the left
                RowOf(image, last.OutputChannels)[..FeatureWidth].CopyTo(RowOf(image, FeatureWidth));
        if (_shards.Size == 1)
            return;
        _allFeatures.EnsureLength((long)_all * FeatureWidth);
        _shards.Gather(new(_features.Pointer, _count * FeatureWidth),
            new Span<float>(_allFeatures.Pointer, checked(_all * FeatureWidth)), _all);

        Span<float> RowOf(int image, int width) => new(_features.Pointer + (nint)image * width, width);
    }

    // Takes the masked gradient of a block's output, and leaves that of the block before: in place where that is added as it is, and else
    // in the other memory.
    private bool BackwardBlock(int index, NativeBuffer outer, NativeBuffer other)
    {
        var (block, before) = (_blocks[index], index > 0 ? _blocks[index - 1] : null);
        NativeBuffer free = _between[2], next = _between[3];
        Gradient sums = (image, worker)
            => block.SumGradient(outer.Pointer + (nint)image * block.OutputLength, image, _scratch[worker].Pointer);
        var gradient = sums;
        for (var link = block.Chain.Count - 1; link > 0; link--)
        {
            var (convolution, linked) = (block.Chain[link], block.Chain[link - 1]);
            var inner = free;
            BackwardConvolution(convolution, gradient, (image, padded) => linked.LoadOutput(image, padded, convolution.Shape.Padding),
                inner.Pointer, adds: false, (target, image, shard, _) => linked.MaskByNorm(target, image, shard));
            gradient = (image, _) => inner.Pointer + (nint)image * convolution.Shape.InputLength;
            (free, next) = (next, free);
        }
        // the shortcut's gradient is there already, or comes after
        var to = before is null ? null : (block.AddsInput ? outer : other).Pointer;
        Finish masks = (target, image, shard, worker) =>
        {
            block.AddPaddingGradient(outer.Pointer + (nint)image * block.OutputLength, target);
            before?.Mask(target, image, shard, _scratch[worker].Pointer);
        };
        BackwardConvolution(block.Chain[0], gradient, (image, padded) => block.Chain[0].LoadInput(Input(index, image), padded), to,
            adds: block.AddsInput, block.Projection is null ? masks : null);
        if (block.Projection is { } projection)
            BackwardConvolution(projection, sums, (image, padded) => projection.LoadInput(Input(index, image), padded), to, adds: true,
                masks);
        return !block.AddsInput;
    }

    private void BackwardConvolution(TrainingConvolution convolution, Gradient from, Load loadInput, float* to, bool adds, Finish? finish)
    {
        convolution.BeginBackward();
        if (convolution.IsByBlock)
            BackwardByBlock(convolution, from, loadInput, to, adds, finish);
        else if (convolution.Shape.IsWide)
            BackwardWide(convolution, from, loadInput, to, adds, finish);
        else
            ForEachGroup(convolution, (first, images, shard, worker) =>
            {
                float* inputs = _inputs[worker].Pointer, gradients = _gradients[worker].Pointer, scratch = _scratch[worker].Pointer;
                for (var i = 0; i < images; i++)
                    convolution.LoadGradient(from(first + i, worker), first + i, gradients + (nint)i * convolution.PaddedGradientLength);
                if (to is not null)
                    convolution.BackwardInput(gradients, to + (nint)first * convolution.Shape.InputLength, images, adds, scratch);
                for (var i = 0; i < images; i++)
                    loadInput(first + i, inputs + (nint)i * convolution.PaddedInputLength);
                convolution.BackwardWeights(inputs, gradients, images, shard, scratch);
                FinishImages(convolution, to, first, first + images, shard, worker, finish);
            }, convolution.BeginBackwardWeights, convolution.EndBackwardWeights);
    }

    private static void FinishImages(TrainingConvolution convolution, float* gradients, int first, int end, int shard, int worker,
        Finish? finish)
    {
        for (var image = first; gradients is not null && image < end; image++)
            finish?.Invoke(gradients + (nint)image * convolution.Shape.InputLength, image, shard, worker);
    }

    // What a block reads: images, or what is frozen makes of them, or the output of the block before.
    private float* Input(int index, int image)
        => index == 0 ? _images + (nint)image * _blocks[0].Chain[0].Shape.InputLength : _blocks[index - 1].Output(image);

    // Brings what a convolution reads of an image into scratch memory, with a border.
    private delegate void Load(int image, float* padded);

    // Where the gradient of an image's normalised output lies, perhaps in scratch memory.
    private delegate float* Gradient(int image, int worker);

    // What happens to the gradient of an image once it is complete.
    private delegate void Finish(float* gradient, int image, int shard, int worker);
}
