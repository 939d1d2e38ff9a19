using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Cpu.Training;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// What the layers that learn read, batch by batch. Where layers are frozen and their output is the same in every epoch, it is computed
/// once (<see cref="FeatureCache"/>): for the validation images always, for the training images if nothing random is done to them, or if
/// the recipe wants a number of random views of each.
/// </summary>
internal sealed class TrainingInputs : IDisposable
{
    private const int ImagesAtATime = 32; // through the frozen layers: some tenths of a second between two looks at a cancellation

    private readonly ResidualNetwork _network;
    private readonly TrainingRecipe _recipe;
    private readonly Normalization _normalization;
    private readonly int _seed;
    private readonly PixelStore _train;
    private readonly ShardGroup _shards;
    private readonly ProcessGroup? _processes;
    private readonly FrozenLayers _frozen;
    private readonly ClassWeights? _classWeights;
    private readonly FeatureScale? _scale;
    private readonly FeatureCache? _cache;
    private readonly List<LayerInput> _cachedViews = []; // of the training images; empty where they pass all layers in every epoch
    private readonly PixelStore _framedTrain;
    private readonly PixelStore? _framedValidation, _mirrored;

    /// <summary>Computes all that can be computed before the first epoch.</summary>
    /// <param name="network">The network; it stays the caller's, and is left in evaluation mode.</param>
    /// <param name="recipe">How it is trained.</param>
    /// <param name="normalization">Makes pixels the network's input.</param>
    /// <param name="seed">Decides the order of rows and every augmentation.</param>
    /// <param name="train">The images to learn from; they stay the caller's.</param>
    /// <param name="validation">Images to choose the best epoch by, or <see langword="null"/>; they stay the caller's.</param>
    /// <param name="events">Who wants to know.</param>
    /// <param name="settings">How it is computed.</param>
    /// <param name="shards">Who computes which part of a batch.</param>
    public TrainingInputs(ResidualNetwork network, TrainingRecipe recipe, Normalization normalization, int seed, PixelStore train,
        PixelStore? validation, TrainingEvents events, TrainingSettings settings, ShardGroup shards)
    {
        (_shards, _processes) = (shards, settings.Processes);
        (_network, _recipe, _normalization, _seed, _train) = (network, recipe, normalization, seed, train);
        _frozen = new FrozenLayers(network, normalization, settings.Numerics);
        _framedTrain = train.Framed();
        try
        {
            _classWeights = recipe.ClassBalance == ClassBalance.Balanced ? ClassWeights.Balanced(train.Labels, train.Weights) : null;
            _framedValidation = validation?.Framed();
            _mirrored = _framedValidation is { } held && recipe.TestTimeFlip ? new MirroredPixelStore(held) : null;
            var views = ((PixelStore?[])[_framedValidation, _mirrored]).OfType<PixelStore>().ToList();
            network.eval();
            if (_frozen.Any)
            {
                var total = (long)CachedViewCount * train.Count + (long)views.Count * (validation?.Count ?? 0);
                _cache = new FeatureCache(_frozen, settings.Memory.Beside(train).Beside(validation), AtATime, total, events,
                    _processes);
                ComputeTraining();
            }
            Plain = IsAugmented || _cachedViews.Count == 0 ? OfPixels(_framedTrain) : _cachedViews[0];
            Validation = [.. views.Select(view => Compute(view) ?? OfPixels(view))];
            if (!recipe.StandardizeFeatures || !network.IsFrozenToTheHead)
                return;
            var scale = _scale = FeatureScale.Measure(Plain, AtATime, events.BeforeBatch);
            Validation = [.. Validation.Select(view => view with { Of = rows => Scaled(scale, view.Of(rows)) })];
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The training images as they are, not augmented.</summary>
    public LayerInput Plain { get; }

    /// <summary>The views of the validation images whose logits are averaged; empty without validation.</summary>
    public IReadOnlyList<LayerInput> Validation { get; } = [];

    /// <summary>What the classifier's features are standardised by; <see langword="null"/> where they are not.</summary>
    public FeatureScale? Scale => _scale;

    /// <summary>The batches of an epoch.</summary>
    /// <param name="epoch">Which, from 0.</param>
    /// <param name="firstStep">Steps to leave out.</param>
    /// <returns>The rows of one batch after the other; see <see cref="PixelStore.ReadAhead"/>.</returns>
    public IEnumerable<ArraySegment<long>> Batches(int epoch, int firstStep) => RowsOf(epoch).ReadAhead(Order(epoch).Skip(firstStep));

    /// <summary>Cuts a batch into pieces that fit into memory.</summary>
    /// <param name="rows">Rows of the batch.</param>
    public IEnumerable<BatchPiece> PiecesOf(int rows)
    {
        var firstOwn = 0;
        foreach (var (first, count) in BatchOrder.Pieces(rows, _recipe.MicroBatchSize ?? rows))
        {
            var own = _shards.ImagesOf(count, _shards.Rank).Count;
            yield return new BatchPiece(first, count, firstOwn, own);
            firstOwn += own;
        }
    }

    /// <summary>Takes a batch: augmented, weighed by class, mixed.</summary>
    /// <param name="rows">Its rows.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="step">The step within it, from 0.</param>
    /// <returns>
    /// The batch, for <see cref="Of"/>, with the images of the shards that are computed here; the caller owns its tensors.
    /// </returns>
    public MixedBatch Take(ArraySegment<long> rows, int epoch, int step)
    {
        var shares = _processes is null ? null : SharesOf(rows);
        var batch = shares is null ? RowsOf(epoch).Take(rows) : RowsOf(epoch).Take(shares);
        if (_cachedViews.Count == 0)
            batch = batch with { Pixels = Augment(batch.Pixels, rows, epoch, step, shares?.Own) };
        batch = _classWeights?.Apply(batch) ?? batch;
        if (_recipe.Mix is not { } mix)
            return MixedBatch.Unmixed(batch);
        var random = new Random(Seeds.Derive(_seed, epoch, step, 1));
        return shares is null ? mix.Apply(batch, random) : Mixed(mix, batch, random, shares);
    }

    /// <summary>Makes the input of the first layer that learns.</summary>
    /// <param name="rows">Some rows of a batch that was taken; they stay the caller's.</param>
    /// <returns>float32; the caller owns it.</returns>
    public Tensor Of(Tensor rows)
    {
        var input = _cachedViews.Count > 0 ? _cachedViews[0].Of(rows) : _frozen.Run(rows);
        return _scale is null ? input : Scaled(_scale, input);
    }

    /// <summary>Frees what was computed; images and network stay.</summary>
    public void Dispose()
    {
        _scale?.Dispose();
        _classWeights?.Dispose();
        _cache?.Dispose();
        _mirrored?.Dispose();
        _framedValidation?.Dispose();
        _framedTrain.Dispose();
        _frozen.Dispose();
    }

    private int AtATime => Math.Min(ImagesAtATime, _recipe.MicroBatchSize ?? ImagesAtATime);

    private bool IsAugmented => _recipe.Augmentation.Count > 0;

    private int CachedViewCount => _recipe.Mix is not null ? 0
        : IsAugmented ? Math.Min(_recipe.CachedViews ?? 0, _recipe.NumberOfEpochs)
        : 1;

    private PixelStore RowsOf(int epoch) => _cachedViews.Count > 0 ? _cachedViews[epoch % _cachedViews.Count].Rows : _train;

    private IEnumerable<ArraySegment<long>> Order(int epoch) => BatchOrder.Shuffled(_train.Count, _recipe.BatchSize, _seed, epoch);

    private LayerInput OfPixels(PixelStore images) => new(images, _frozen.Run);

    // A view is what its epoch would have seen without a cache, so that as many views as epochs are no other training.
    private void ComputeTraining()
    {
        for (var view = 0; view < CachedViewCount; view++)
        {
            var epoch = view;
            var computed = IsAugmented
                ? _cache!.Compute(_train, "training images", Order(epoch),
                    (rows, shares, step) => Augment(shares is null ? _train.PixelsOf(rows) : _train.PixelsOf(shares), rows, epoch, step,
                        shares?.Own))
                : Compute(_framedTrain, "training images");
            if (computed is null)
            {
                _cachedViews.Clear();
                _cache!.Clear();
                return;
            }
            _cachedViews.Add(computed);
        }
    }

    private LayerInput? Compute(PixelStore images, string what = "validation images")
        => _cache?.Compute(images, what, InOrder(images.Count), (rows, shares, _)
            => shares is null ? images.PixelsOf((int)rows[0], rows.Count) : images.PixelsOf(shares));

    private IEnumerable<ArraySegment<long>> InOrder(int count)
    {
        var rows = new long[count];
        for (var row = 0; row < count; row++)
            rows[row] = row;
        for (var first = 0; first < count; first += AtATime)
            yield return new ArraySegment<long>(rows, first, Math.Min(AtATime, count - first));
    }

    private Tensor Augment(Tensor pixels, ArraySegment<long> rows, int epoch, int step, int[]? own)
        => pixels.shape[0] == 0 ? pixels.new_empty([0, .. SizesOf(pixels)]) : _recipe.Augmentation.Apply(pixels,
            new AugmentationContext(_seed, epoch, rows, _normalization, new Random(Seeds.Derive(_seed, epoch, step)))
            {
                Pictures = _train.Pictures,
                Own = own,
            });

    // In each piece of the batch, the images of a process's shards.
    private RowShares SharesOf(ArraySegment<long> rows)
    {
        var places = new List<int>[_shards.Size];
        for (var rank = 0; rank < places.Length; rank++)
        {
            places[rank] = [];
            foreach (var (first, count) in BatchOrder.Pieces(rows.Count, _recipe.MicroBatchSize ?? rows.Count))
            {
                var own = _shards.ImagesOf(count, rank);
                places[rank].AddRange(Enumerable.Range(first + own.First, own.Count));
            }
        }
        return new RowShares(rows, [.. places.Select(own => own.ToArray())], _shards.Rank);
    }

    // Of augmented images, whatever is kept of them.
    private long[] SizesOf(Tensor kept) => _train.Pictures is { } pictures
        ? [pictures.Target.Shape.Channels, pictures.Target.Shape.Height, pictures.Target.Shape.Width]
        : kept.shape[1..];

    // Any image may be another's partner, so all come together before they are mixed, and each process keeps its own mixtures.
    private MixedBatch Mixed(ImageMix mix, PixelBatch batch, Random random, RowShares shares)
    {
        using var gathered = empty([shares.Rows.Count, .. SizesOf(batch.Pixels)], ScalarType.Byte);
        var all = new byte[gathered.numel()];
        var length = all.Length / shares.Rows.Count;
        var target = gathered.bytes;
        using (var host = batch.Pixels.cpu())
        using (var own = host.contiguous())
            _processes!.AllGather(own.shape[0] == 0 ? [] : own.bytes, all, [.. shares.Places.Select(places => places.Length * length)]);
        foreach (var (index, place) in shares.Places.SelectMany(places => places).Index())
            all.AsSpan(index * length, length).CopyTo(target[(place * length)..]);
        using var pixels = gathered.to(batch.Pixels.device);
        var mixed = mix.Apply(batch with { Pixels = pixels }, random);
        using var indices = tensor(shares.Own.Select(place => (long)place).ToArray(), [shares.Own.Length]).SentTo(pixels.device);
        return mixed with { Images = mixed.Images with { Pixels = mixed.Images.Pixels.index_select(0, indices) } };
    }

    private static Tensor Scaled(FeatureScale scale, Tensor features)
    {
        using (features)
            return scale.Apply(features);
    }
}
