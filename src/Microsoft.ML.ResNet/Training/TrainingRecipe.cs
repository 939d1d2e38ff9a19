using System.Globalization;
using Microsoft.ML.ResNet.Cpu.Training;
using Microsoft.ML.ResNet.Data;

namespace Microsoft.ML.ResNet;

/// <summary>
/// How a network is trained: an immutable value that starts from a named recipe and is changed by <c>with</c>, or
/// by <see cref="With"/>. Everything has a default; the defaults are those of <see cref="Tutorial"/>.
/// </summary>
public sealed partial record TrainingRecipe
{
    private const int SmallestBatch = 16; // of what MinimumStepsPerEpoch makes smaller
    private const int FewSteps = 20; // running statistics still hold 0.9^20 = 12 % of what they were an epoch ago

    /// <summary>
    /// The classic recipe for CIFAR: 100 epochs of SGD, rate 0.1 dropped to a tenth at half and three quarters, crop and flip. It
    /// follows He et al. 2015, section 4.2, with the weight decay of later practice.
    /// </summary>
    public static TrainingRecipe Tutorial { get; } = new();

    /// <summary>
    /// For training that starts from another model's weights: 10 epochs of SGD, a tenth of the usual rate after a warm-up of one epoch,
    /// then half a cosine; photos are cropped at random sizes. Rate 0.01, momentum 0.9 and weight decay 1e-4 are what is commonly taken (Li
    /// et al. 2020, arXiv:2002.11770, section 1); the best rate depends on how near the images are to those of before.
    /// </summary>
    public static TrainingRecipe FineTune { get; } = new()
    {
        NumberOfEpochs = 10,
        BatchSize = 64,
        LearningRate = 0.01,
        Schedule = new WarmUpSchedule(0.1, new CosineSchedule()),
        WeightDecay = 1e-4,
        MinimumStepsPerEpoch = FewSteps,
        Augmentation = AugmentationPolicy.Auto,
    };

    /// <summary>
    /// For trainings of 5 to 10 epochs, of which 10 is the default: small batches, a rate that rises and falls once, Nesterov's momentum,
    /// no decay of biases and norms, smoothed labels, flips in turns but no crops, and scores over both views of an image. docs/evidence.md
    /// says how it was found. Made for small photographs (CIFAR); leave out the flip and <see cref="TestTimeFlip"/> where left and right
    /// differ, and add <c>new RandomCrop(4)</c> for more epochs.
    /// </summary>
    public static TrainingRecipe Fast { get; } = new()
    {
        NumberOfEpochs = 10,
        BatchSize = 64,
        MinimumStepsPerEpoch = FewSteps,
        LearningRate = 0.2,
        Schedule = new OneCycleSchedule(),
        Optimizer = new Sgd { Nesterov = true },
        WeightDecayOnBiasAndNorm = false,
        LabelSmoothing = 0.1,
        Augmentation = [new HorizontalFlip { Alternating = true }],
        TestTimeFlip = true,
    };

    /// <summary>
    /// For a linear probe (Alain, Bengio 2016, arXiv:1610.01644): a new classifier on the features of a network that stays as it is, with
    /// <c>FrozenStages</c> set to all stages. 60 epochs of SGD without augmentation, so that what is frozen is computed once for each image
    /// and the epochs cost next to nothing. The features are standardised (<see cref="StandardizeFeatures"/>), so one rate fits every
    /// network. docs/evidence.md says how it was found.
    /// </summary>
    public static TrainingRecipe LinearProbe { get; } = new()
    {
        NumberOfEpochs = 60,
        BatchSize = 64,
        LearningRate = 0.01,
        Schedule = new CosineSchedule(),
        WeightDecay = 0.1,
        WeightDecayOnBiasAndNorm = false,
        Augmentation = AugmentationPolicy.None,
        StandardizeFeatures = true,
    };

    /// <summary>Passes over the training images; at least 1. The default is 100.</summary>
    public int NumberOfEpochs { get; init; } = 100;

    /// <summary>
    /// Images in one step; at least 2. The default is 128. The last batch of an epoch may be smaller, or one image larger.
    /// </summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>
    /// Steps that an epoch should have; at least 1. Where the training images make fewer, <see cref="BatchSize"/> and
    /// <see cref="LearningRate"/> are halved until there are as many, down to batches of 16; the log tells. The default,
    /// <see langword="null"/>, leaves both as they are; <see cref="Fast"/> and <see cref="FineTune"/> ask for 20. A batch size in the
    /// trainer's options is left alone.
    /// </summary>
    public int? MinimumStepsPerEpoch { get; init; }

    /// <summary>
    /// Where batch normalisation has its means and variances from when it evaluates. The default measures them over the training images
    /// where an epoch has fewer than 20 steps, because moving averages lag behind there.
    /// </summary>
    public NormStatistics NormStatistics { get; init; }

    /// <summary>The base learning rate, for the mean loss of a batch; above 0. The default is 0.1.</summary>
    public double LearningRate { get; init; } = 0.1;

    /// <summary>How the rate changes. The default drops it to a tenth at half and three quarters of the epochs.</summary>
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.MultiStep(0.5, 0.75);

    /// <summary>How gradients change weights. The default is <see cref="Sgd"/> with momentum 0.9.</summary>
    public Optimizer Optimizer { get; init; } = new Sgd();

    /// <summary>
    /// The part of each weight that is added to its gradient (<see cref="Sgd"/>) or taken away directly (<see cref="AdamW"/>); 0 or more.
    /// The default is 5e-4.
    /// </summary>
    public double WeightDecay { get; init; } = 5e-4;

    /// <summary>
    /// Whether weight decay also shrinks biases and the weights of batch normalisation. The default is <see langword="true"/>, as in
    /// PyTorch; large batches often do better without (He et al. 2018, arXiv:1812.01187, section 3.1).
    /// </summary>
    public bool WeightDecayOnBiasAndNorm { get; init; } = true;

    /// <summary>
    /// The most that the joint L2 norm of all gradients may be in a step; above 0. The default, <see langword="null"/>, is no limit.
    /// </summary>
    public double? GradientClipNorm { get; init; }

    /// <summary>
    /// Images that go through the network at a time, for batches larger than memory: a batch is cut into such pieces and their gradients
    /// are added up before the step; validation takes no more images at a time either. At least 2. The default, <see langword="null"/>, is
    /// the whole batch. Batch normalisation sees one piece at a time.
    /// </summary>
    public int? MicroBatchSize { get; init; }

    /// <summary>
    /// Parts of a batch that gather sums of their own, which are added in a fixed order, so that the CPU's kernels give the same weights,
    /// bit for bit, for any number of threads and processes; from 1 to 1,024. The default is 8. As many threads, and as many processes of
    /// a <see cref="ResNetTrainer.Options.ProcessGroup"/>, can share a batch. Another number is another order of additions, and so other
    /// weights, by rounding.
    /// </summary>
    public int BatchShards { get; init; } = ShardGroup.DefaultShards;

    /// <summary>
    /// The part of the target that is spread evenly over all classes, in [0, 1) (Szegedy et al. 2015, arXiv:1512.00567, section 7). The
    /// default is 0. Reports of training loss include it; validation loss never does.
    /// </summary>
    public double LabelSmoothing { get; init; }

    /// <summary>
    /// The part of the moving average of weights that a step keeps, in (0, 1), such as 0.999; the average is validated and kept instead of
    /// the weights themselves. The default, <see langword="null"/>, keeps no average.
    /// </summary>
    public double? WeightAverageDecay { get; init; }

    /// <summary>Which figure of the validation set makes an epoch the best. The default is the accuracy.</summary>
    public ValidationMetric BestBy { get; init; } = ValidationMetric.Accuracy;

    /// <summary>
    /// When to stop before the last epoch; needs a validation set, and without one does nothing. The default, <see langword="null"/>, is
    /// never.
    /// </summary>
    public EarlyStopping? EarlyStopping { get; init; }

    /// <summary>
    /// In what precision convolutions are computed while the network learns. The default is 32 bits; bfloat16 is for GPUs with units for
    /// it.
    /// </summary>
    public TrainingPrecision Precision { get; init; }

    /// <summary>Random changes to the training images. The default is a crop with 4 pixels of padding, then a flip.</summary>
    public AugmentationPolicy Augmentation { get; init; } = [new RandomCrop(4), new HorizontalFlip()];

    /// <summary>
    /// How the images of a batch are mixed with one another: <see cref="Mixup"/> or <see cref="CutMix"/>. The default,
    /// <see langword="null"/>, is not at all.
    /// </summary>
    public ImageMix? Mix { get; init; }

    /// <summary>
    /// Where stages are frozen and <see cref="Augmentation"/> is random: how many random views of every image pass the frozen layers; at
    /// least 1. They do so once, before the first epoch, and epoch e learns from view e modulo that number, which is kept in memory or in a
    /// temporary file (<c>ImageMemoryBudgetMiB</c>). As many views as epochs are the same training as without this. The default,
    /// <see langword="null"/>, has a fresh view in every epoch, each of which passes the frozen layers. Without random augmentation every
    /// image has one view, whatever is set here, and where nothing is frozen this does nothing.
    /// </summary>
    public int? CachedViews { get; init; }

    /// <summary>
    /// Where everything but the classifier is frozen: whether it learns on features that have mean 0 and deviation 1 over the training
    /// images (as a batch normalisation without weights in front of it would, He et al. 2021, arXiv:2111.06377, appendix A.1). What is
    /// learnt so does not depend on the scale of the features. The classifier starts from zeros, and that of the model takes features as
    /// they are: mean and deviation are worked into its weights. The default is <see langword="false"/>; where more is trained, this does
    /// nothing.
    /// </summary>
    public bool StandardizeFeatures { get; init; }

    /// <summary>
    /// Whether rows of rare classes count more in training, on top of what a weight column says. The default is
    /// <see cref="ClassBalance.None"/>. Training loss is counted so; accuracies and validation never are.
    /// </summary>
    public ClassBalance ClassBalance { get; init; }

    /// <summary>
    /// Whether the trained model, and validation during training, look at every image and at its mirror image: the scores are the softmax
    /// of the mean of the two logits. It doubles the time of scoring, and belongs to the model: saved models and exported ONNX files do it
    /// too. The default is <see langword="false"/>; leave it so where left and right differ, as in writing.
    /// </summary>
    public bool TestTimeFlip { get; init; }

    /// <summary>
    /// Whether the last batch normalisation of every block starts with weights of 0, so that every block starts as its shortcut (Goyal et
    /// al. 2017, arXiv:1706.02677, section 5.1). The default is <see langword="false"/>: they start with 1.
    /// </summary>
    public bool ZeroInitResiduals { get; init; }

    /// <summary>The recipe as one line for logs.</summary>
    public override string ToString() => string.Join(", ", Parts());

    private IEnumerable<string> Parts()
    {
        yield return Print($"{NumberOfEpochs} epochs");
        yield return Print($"batch {BatchSize}");
        yield return Print($"{Optimizer} rate {LearningRate:g4} {Schedule}");
        yield return Print($"weight decay {WeightDecay:g4}{(WeightDecayOnBiasAndNorm ? "" : " (not on bias and norm)")}");
        if (Precision == TrainingPrecision.BFloat16)
            yield return "bfloat16";
        if (GradientClipNorm is { } clip)
            yield return Print($"gradient norm at most {clip:g4}");
        if (LabelSmoothing > 0)
            yield return Print($"label smoothing {LabelSmoothing:g4}");
        if (WeightAverageDecay is { } decay)
            yield return Print($"weight average {decay:g6}");
        yield return $"augmentation {Augmentation}";
        if (CachedViews is { } views)
            yield return Print($"{views} cached views");
        if (BatchShards != ShardGroup.DefaultShards)
            yield return Print($"{BatchShards} shards of a batch");
        if (Mix is not null)
            yield return $"{Mix}";
        if (StandardizeFeatures)
            yield return "standardised features";
        if (ClassBalance != ClassBalance.None)
            yield return "classes balanced";
        if (TestTimeFlip)
            yield return "flip at test time";
        if (ZeroInitResiduals)
            yield return "residuals start at 0";
        if (NormStatistics != NormStatistics.Auto)
            yield return $"{NormStatistics.ToString().ToLowerInvariant()} statistics";

        static string Print(FormattableString text) => FormattableString.Invariant(text);
    }

    /// <summary>
    /// The recipe for so many training images of a shape: with smaller batches where <see cref="MinimumStepsPerEpoch"/> asks for them, and
    /// the augmentation that <see cref="AugmentationPolicy.Auto"/> stands for.
    /// </summary>
    internal TrainingRecipe For(int rows, ImageShape shape)
    {
        var recipe = this with { Augmentation = Augmentation.For(shape) };
        while (BatchOrder.Count(rows, recipe.BatchSize) < MinimumStepsPerEpoch && recipe.BatchSize / 2 >= SmallestBatch)
            recipe = recipe with { BatchSize = recipe.BatchSize / 2, LearningRate = recipe.LearningRate / 2 };
        return recipe;
    }

    /// <summary>Whether the statistics of batch normalisation are measured after each epoch of so many steps.</summary>
    internal bool MeasuresStatistics(int stepsPerEpoch) => MeasuresStatistics(stepsPerEpoch, NormStatistics);

    /// <summary>The same for other settings of <see cref="NormStatistics"/> than the recipe's.</summary>
    internal static bool MeasuresStatistics(int stepsPerEpoch, NormStatistics statistics)
        => statistics == NormStatistics.Measured || statistics == NormStatistics.Auto && stepsPerEpoch < FewSteps;

    /// <summary>Lists what makes this recipe unusable; empty when nothing does.</summary>
    internal IEnumerable<string> Problems()
    {
        if (NumberOfEpochs < 1)
            yield return $"NumberOfEpochs is {NumberOfEpochs}; it must be at least 1.";
        if (BatchSize < 2)
            yield return $"BatchSize is {BatchSize}; it must be at least 2, because batch normalisation compares images.";
        if (MinimumStepsPerEpoch < 1)
            yield return $"MinimumStepsPerEpoch is {MinimumStepsPerEpoch}; it must be at least 1, or unset.";
        if (!Enum.IsDefined(NormStatistics))
            yield return $"NormStatistics is {NormStatistics}; it must be {string.Join(" or ", Enum.GetNames<NormStatistics>())}.";
        if (!(double.IsFinite(LearningRate) && LearningRate > 0))
            yield return string.Create(CultureInfo.InvariantCulture, $"LearningRate is {LearningRate}; it must be a number above 0.");
        foreach (var problem in Optimizer?.Problems() ?? ["Optimizer is null; new Sgd() is the default."])
            yield return problem;
        if (GradientClipNorm is { } clip && !(clip > 0 && double.IsFinite(clip)))
            yield return string.Create(CultureInfo.InvariantCulture, $"GradientClipNorm is {clip}; it must be a number above 0, or unset.");
        if (MicroBatchSize is < 2)
            yield return $"MicroBatchSize is {MicroBatchSize}; it must be at least 2, or unset.";
        if (BatchShards is not (>= 1 and <= 1024))
            yield return $"BatchShards is {BatchShards}; it must be from 1 to 1024.";
        if (!(LabelSmoothing is >= 0 and < 1))
            yield return string.Create(CultureInfo.InvariantCulture,
                $"LabelSmoothing is {LabelSmoothing}; it must be at least 0 and below 1.");
        if (!(double.IsFinite(WeightDecay) && WeightDecay >= 0))
            yield return string.Create(CultureInfo.InvariantCulture, $"WeightDecay is {WeightDecay}; it must be a number of at least 0.");
        if (WeightAverageDecay is { } decay && !(decay is > 0 and < 1))
            yield return string.Create(CultureInfo.InvariantCulture,
                $"WeightAverageDecay is {decay}; it must lie between 0 and 1, or be unset.");
        foreach (var problem in Mix?.Problems() ?? [])
            yield return problem;
        if (CachedViews < 1)
            yield return $"CachedViews is {CachedViews}; it must be at least 1, or unset.";
        if (CachedViews is not null && Mix is not null)
            yield return $"CachedViews is {CachedViews}, but Mix is {Mix}: mixtures are new in every step. Unset one of them.";
        if (!Enum.IsDefined(ClassBalance))
            yield return $"ClassBalance is {ClassBalance}; it must be {ClassBalance.None} or {ClassBalance.Balanced}.";
        if (!Enum.IsDefined(Precision))
            yield return $"Precision is {Precision}; it must be Full or BFloat16.";
        foreach (var problem in EarlyStopping?.Problems() ?? [])
            yield return problem;
        foreach (var problem in Schedule?.Problems() ?? ["Schedule is null; use LearningRateSchedule.Constant to keep the rate."])
            yield return problem;
        foreach (var problem in Augmentation?.SelectMany(augmentation => augmentation.Problems())
            ?? ["Augmentation is null; use AugmentationPolicy.None for no change."])
            yield return problem;
    }
}
