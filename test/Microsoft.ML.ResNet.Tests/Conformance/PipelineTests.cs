using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.Trainers;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>The trainer inside ML.NET's own machinery: chains, caches, splits, scopes, cross-validation.</summary>
[TestClass]
public class PipelineTests
{
    [TestMethod]
    public void Fit_reads_its_source_once_and_only_the_columns_it_needs()
    {
        var ml = new MLContext(seed: 1);
        var source = new CountingView(ImageRows.View(ml, 20));
        ImageRows.Trainer(ml, epochs: 3).Fit(source).Dispose();
        Assert.AreEqual(1, source.CursorsOpened);
        Assert.AreEqual(20, source.RowsRead);
        Assert.AreEqual(0, source.CursorsOpen);
        CollectionAssert.AreEqual(new[] { "Label", "Planar" }, source.ActivatedColumns.ToArray());

        source.Reset();
        var validation = new CountingView(ImageRows.View(ml, 10));
        ImageRows.Trainer(ml, epochs: 3, change: options => options.ExampleWeightColumnName = "Weight").Fit(source, validation).Dispose();
        CollectionAssert.AreEqual(new[] { "Label", "Planar", "Weight" }, source.ActivatedColumns.ToArray());
        Assert.AreEqual((1L, 20L, 1L, 10L), (source.CursorsOpened, source.RowsRead, validation.CursorsOpened, validation.RowsRead));
    }

    [TestMethod]
    public void The_trainer_says_what_it_needs()
    {
        var info = InfoOf(ImageRows.Trainer(new MLContext()));
        Assert.IsFalse(info.NeedNormalization);
        Assert.IsFalse(info.NeedCalibration);
        Assert.IsFalse(info.WantCaching);
        Assert.IsTrue(info.SupportsValidation);
        Assert.IsFalse(info.SupportsTest);
        Assert.IsFalse(info.SupportsIncrementalTraining);

        static TrainerInfo InfoOf<TTransformer, TModel>(ITrainerEstimator<TTransformer, TModel> trainer)
            where TTransformer : ISingleFeaturePredictionTransformer<TModel> where TModel : class => trainer.Info;
    }

    [TestMethod]
    public void Options_are_copied_when_the_trainer_is_made()
    {
        var ml = new MLContext(seed: 1);
        var epochs = 0;
        var options = TinyImages.Options(epochs: 2);
        options.FeatureColumnName = "Planar";
        options.MetricsCallback = report => epochs = report.NumberOfEpochs;
        var trainer = ml.MulticlassClassification.Trainers.ResNet(options);
        (options.FeatureColumnName, options.Recipe, options.ScoreColumnName, options.Architecture) = ("Nowhere", null!, "", null!);

        using var model = trainer.Fit(ImageRows.View(ml, 9));

        Assert.AreEqual(2, epochs);
        Assert.AreEqual("Planar", model.FeatureColumnName);
    }

    [TestMethod]
    public void One_estimator_fits_again_and_again_with_other_labels_and_sizes()
    {
        var ml = new MLContext(seed: 1);
        var trainer = ImageRows.Trainer(ml, nameof(ImageRow.Encoded));
        var (three, two) = (ImageRows.View(ml, 9), ImageRows.View(ml, ImageRows.Create(9).Where(row => row.Key != 2)));
        using var first = trainer.Fit(three);
        using var second = trainer.Fit(two);
        using var third = trainer.Fit(three);

        Assert.HasCount(3, first.Model.ClassNames);
        Assert.HasCount(2, second.Model.ClassNames);
        Scores.AssertSame(Scores.Read(ml, first.Transform(three)), Scores.Read(ml, third.Transform(three)), "the first fit again");
        Assert.HasCount(2, Scores.Read(ml, second.Transform(three))[0].Score);
    }

    [TestMethod]
    public void Cross_validation_runs_with_its_own_metrics()
    {
        var ml = new MLContext(seed: 1);
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label", "Name").Append(ImageRows.Trainer(ml, epochs: 4));
        var folds = ml.MulticlassClassification.CrossValidate(ml.Data.LoadFromEnumerable(ImageRows.Create(120)), pipeline,
            numberOfFolds: 3);
        Assert.HasCount(3, folds);
        foreach (var fold in folds)
        {
            Assert.IsGreaterThan(0.7, fold.Metrics.MicroAccuracy);
            (fold.Model as IDisposable)?.Dispose();
        }
    }

    [TestMethod]
    public void A_split_a_cache_and_a_fit_delegate_work_in_one_pipeline()
    {
        var ml = new MLContext(seed: 1);
        ResNetTransformer? fitted = null;
        var counted = new CountingView(ml.Data.LoadFromEnumerable(ImageRows.Create(90)));
        var split = ml.Data.TrainTestSplit(counted, testFraction: 0.2);
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label", "Name")
            .AppendCacheCheckpoint(ml)
            .Append(ImageRows.Trainer(ml, epochs: 4).WithOnFitDelegate(model => fitted = model));

        using var model = pipeline.Fit(split.TrainSet);

        Assert.AreSame(fitted, model.LastTransformer);
        Assert.IsGreaterThan(0.7, Scores.Accuracy(ml, model.Transform(split.TestSet)));
    }

    [TestMethod]
    public void The_scoring_scope_of_a_chain_needs_no_label()
    {
        var ml = new MLContext(seed: 1);
        var data = ml.Data.LoadFromEnumerable(ImageRows.Create(12));
        var unlabelled = ImageRows.Without(ml, data, "Name", "Number", "Key");
        using var model = new EstimatorChain<ITransformer>()
            .Append(ml.Transforms.Conversion.MapValueToKey("Label", "Name"), TransformerScope.TrainTest)
            .Append(ImageRows.Trainer(ml)).Append(ml.Transforms.Conversion.MapKeyToValue("Guess", "PredictedLabel")).Fit(data);

        var scored = model.GetModelFor(TransformerScope.Scoring).Transform(unlabelled);

        Scores.AssertSame(Scores.Read(ml, model.Transform(data)), Scores.Read(ml, scored), "without a label");
        CollectionAssert.IsSubsetOf(scored.GetColumn<string>("Guess").Distinct().ToArray(), TinyImages.Classes);
    }

    [TestMethod]
    public void Columns_may_be_copied_before_and_after()
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.View(ml, 9);
        using var model = ml.Transforms.CopyColumns("Picture", "Planar")
            .Append(ImageRows.Trainer(ml, "Picture"))
            .Append(ml.Transforms.CopyColumns("Chances", "Score"))
            .Append(ml.Transforms.CopyColumns("Guess", "PredictedLabel")).Fit(data);
        var scored = model.Transform(data);
        Assert.AreEqual(string.Join(" ", scored.GetColumn<float[]>("Score").SelectMany(row => row)),
            string.Join(" ", scored.GetColumn<float[]>("Chances").SelectMany(row => row)));
        ViewWorkout.Run(
            ImageRows.Without(ml, scored, "Floats", "Flat", "Raw", "Image", "Sized", "Extracted", "Path", "Encoded", "Number", "Key"));
    }

    [TestMethod]
    public void A_second_model_may_score_after_the_first()
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.View(ml, 9);
        using var model = ImageRows.Trainer(ml).Append(ImageRows.Trainer(ml, "Floats")).Fit(data);
        var scored = model.Transform(data);
        var sets = scored.Schema.Where(column => column.Name == "Score")
            .Select(column => column.Annotations.GetValue<uint>("ScoreColumnSetId")).ToArray();
        CollectionAssert.AreEqual(new uint[] { 1, 2 }, sets, "each pair of score columns has a set of its own");
        Assert.IsTrue(Scores.Accuracy(ml, scored) is >= 0 and <= 1);
    }
}

/// <summary>Small helpers for annotations.</summary>
internal static class AnnotationReading
{
    /// <summary>The value of a scalar annotation.</summary>
    public static T GetValue<T>(this DataViewSchema.Annotations annotations, string kind)
    {
        T value = default!;
        annotations.GetValue(kind, ref value);
        return value;
    }
}
