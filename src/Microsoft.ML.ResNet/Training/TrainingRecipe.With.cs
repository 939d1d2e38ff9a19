namespace Microsoft.ML.ResNet;

/// <content>Changes, for languages that have no <c>with</c>.</content>
public sealed partial record TrainingRecipe
{
    /// <summary>
    /// The same recipe with other values, for F# and Visual Basic: <c>TrainingRecipe.Fast.With(numberOfEpochs = 5)</c>, or
    /// <c>numberOfEpochs:=5</c>. In C# <c>TrainingRecipe.Fast with { NumberOfEpochs = 5 }</c> does it too.
    /// </summary>
    /// <param name="numberOfEpochs"><see cref="NumberOfEpochs"/>.</param>
    /// <param name="batchSize"><see cref="BatchSize"/>.</param>
    /// <param name="minimumStepsPerEpoch"><see cref="MinimumStepsPerEpoch"/>.</param>
    /// <param name="normStatistics"><see cref="NormStatistics"/>.</param>
    /// <param name="learningRate"><see cref="LearningRate"/>.</param>
    /// <param name="schedule"><see cref="Schedule"/>.</param>
    /// <param name="optimizer"><see cref="Optimizer"/>.</param>
    /// <param name="weightDecay"><see cref="WeightDecay"/>.</param>
    /// <param name="weightDecayOnBiasAndNorm"><see cref="WeightDecayOnBiasAndNorm"/>.</param>
    /// <param name="gradientClipNorm"><see cref="GradientClipNorm"/>.</param>
    /// <param name="microBatchSize"><see cref="MicroBatchSize"/>.</param>
    /// <param name="batchShards"><see cref="BatchShards"/>.</param>
    /// <param name="labelSmoothing"><see cref="LabelSmoothing"/>.</param>
    /// <param name="weightAverageDecay"><see cref="WeightAverageDecay"/>.</param>
    /// <param name="bestBy"><see cref="BestBy"/>.</param>
    /// <param name="earlyStopping"><see cref="EarlyStopping"/>.</param>
    /// <param name="precision"><see cref="Precision"/>.</param>
    /// <param name="augmentation"><see cref="Augmentation"/>.</param>
    /// <param name="mix"><see cref="Mix"/>.</param>
    /// <param name="cachedViews"><see cref="CachedViews"/>.</param>
    /// <param name="standardizeFeatures"><see cref="StandardizeFeatures"/>.</param>
    /// <param name="classBalance"><see cref="ClassBalance"/>.</param>
    /// <param name="testTimeFlip"><see cref="TestTimeFlip"/>.</param>
    /// <param name="zeroInitResiduals"><see cref="ZeroInitResiduals"/>.</param>
    /// <returns>A new recipe. Whatever is left out, or null, is as it is here.</returns>
    /// <remarks>
    /// The ranges are those of the properties; the trainer checks them. What may be unset (<see cref="Mix"/>, say) cannot be unset so:
    /// start from a recipe without it.
    /// </remarks>
    public TrainingRecipe With(
        int? numberOfEpochs = null,
        int? batchSize = null,
        int? minimumStepsPerEpoch = null,
        NormStatistics? normStatistics = null,
        double? learningRate = null,
        LearningRateSchedule? schedule = null,
        Optimizer? optimizer = null,
        double? weightDecay = null,
        bool? weightDecayOnBiasAndNorm = null,
        double? gradientClipNorm = null,
        int? microBatchSize = null,
        int? batchShards = null,
        double? labelSmoothing = null,
        double? weightAverageDecay = null,
        ValidationMetric? bestBy = null,
        EarlyStopping? earlyStopping = null,
        TrainingPrecision? precision = null,
        AugmentationPolicy? augmentation = null,
        ImageMix? mix = null,
        int? cachedViews = null,
        bool? standardizeFeatures = null,
        ClassBalance? classBalance = null,
        bool? testTimeFlip = null,
        bool? zeroInitResiduals = null)
        => this with
        {
            NumberOfEpochs = numberOfEpochs ?? NumberOfEpochs,
            BatchSize = batchSize ?? BatchSize,
            MinimumStepsPerEpoch = minimumStepsPerEpoch ?? MinimumStepsPerEpoch,
            NormStatistics = normStatistics ?? NormStatistics,
            LearningRate = learningRate ?? LearningRate,
            Schedule = schedule ?? Schedule,
            Optimizer = optimizer ?? Optimizer,
            WeightDecay = weightDecay ?? WeightDecay,
            WeightDecayOnBiasAndNorm = weightDecayOnBiasAndNorm ?? WeightDecayOnBiasAndNorm,
            GradientClipNorm = gradientClipNorm ?? GradientClipNorm,
            MicroBatchSize = microBatchSize ?? MicroBatchSize,
            BatchShards = batchShards ?? BatchShards,
            LabelSmoothing = labelSmoothing ?? LabelSmoothing,
            WeightAverageDecay = weightAverageDecay ?? WeightAverageDecay,
            BestBy = bestBy ?? BestBy,
            EarlyStopping = earlyStopping ?? EarlyStopping,
            Precision = precision ?? Precision,
            Augmentation = augmentation ?? Augmentation,
            Mix = mix ?? Mix,
            CachedViews = cachedViews ?? CachedViews,
            StandardizeFeatures = standardizeFeatures ?? StandardizeFeatures,
            ClassBalance = classBalance ?? ClassBalance,
            TestTimeFlip = testTimeFlip ?? TestTimeFlip,
            ZeroInitResiduals = zeroInitResiduals ?? ZeroInitResiduals,
        };
}
