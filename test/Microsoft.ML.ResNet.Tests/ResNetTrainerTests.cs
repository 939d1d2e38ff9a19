using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests;

[TestClass]
public class ResNetTrainerTests
{
    [TestMethod]
    public void A_pipeline_fits_evaluates_saves_and_loads()
    {
        var ml = new MLContext(seed: 1);
        var (train, test) = (TinyImages.View(ml, 120), TinyImages.View(ml, 60, seed: 2));
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.ResNet(TinyImages.Options()))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));

        var model = pipeline.Fit(train);
        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(test));
        Assert.IsGreaterThan(0.95, metrics.MicroAccuracy);
        Assert.IsLessThan(0.5, metrics.LogLoss);

        var path = Path.Combine(TestAssembly.TemporaryFolder, "pipeline.zip");
        ml.Model.Save(model, train.Schema, path);
        var fresh = new MLContext();
        var loaded = fresh.Model.Load(path, out var schema);

        Assert.IsNotNull(schema.GetColumnOrNull("Features"));
        CollectionAssert.AreEqual(Scores(ml, model.Transform(test)), Scores(fresh, loaded.Transform(test)));
    }

    [TestMethod]
    public void The_same_seed_gives_the_same_weights_bit_for_bit()
    {
        var scores = new List<float[]>();
        foreach (var _ in Enumerable.Range(0, 2))
        {
            var ml = new MLContext(seed: 7);
            var data = TinyImages.View(ml, 60);
            var options = TinyImages.Options(epochs: 2);
            options.Recipe = options.Recipe with { Augmentation = [new RandomCrop(1), new HorizontalFlip()] };
            using var model = Trained(ml, data, options);
            scores.Add(Scores(ml, model.Transform(Keyed(ml, data))));
        }
        CollectionAssert.AreEqual(scores[0], scores[1]);
    }

    [TestMethod]
    public void Reports_come_after_every_epoch_and_count_all_rows()
    {
        var ml = new MLContext(seed: 1);
        var reports = new List<EpochReport>();
        var log = new List<string>();
        ml.Log += (_, e) => log.Add(e.Message);
        var options = TinyImages.Options(epochs: 3);
        options.MetricsCallback = reports.Add;

        var data = TinyImages.View(ml, 61); // 3 batches of 16 and one of 13
        using var model = ml.MulticlassClassification.Trainers.ResNet(options)
            .Fit(Keyed(ml, data), Keyed(ml, TinyImages.View(ml, 30, seed: 3)));

        CollectionAssert.AreEqual(new[] { 1, 2, 3 }, reports.Select(report => report.Epoch).ToArray());
        Assert.IsTrue(reports.All(report => Math.Abs(report.TrainAccuracy * 61 - Math.Round(report.TrainAccuracy * 61)) < 1e-9),
            "accuracies are multiples of 1/61");
        Assert.IsTrue(reports.All(report => report is { ValidationAccuracy: >= 0 and <= 1, ValidationLoss: > 0, ImagesPerSecond: > 0 }));
        Assert.AreEqual(3, log.Count(line => line.Contains("Epoch ", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void The_model_knows_its_classes_by_name()
    {
        var ml = new MLContext(seed: 1);
        using var model = Trained(ml, TinyImages.View(ml, 30), TinyImages.Options(epochs: 1));

        CollectionAssert.AreEqual(TinyImages.Classes, model.Model.ClassNames.ToArray());
        Assert.AreEqual(TinyImages.Shape, model.Model.ImageShape);
        VBuffer<ReadOnlyMemory<char>> slots = default;
        model.GetOutputSchema(Keyed(ml, TinyImages.View(ml, 3)).Schema)["Score"].GetSlotNames(ref slots);
        CollectionAssert.AreEqual(TinyImages.Classes, slots.DenseValues().Select(name => name.ToString()).ToArray());
    }

    [TestMethod]
    public void A_prediction_engine_gives_the_numbers_of_the_batched_view()
    {
        var ml = new MLContext(seed: 1);
        var data = TinyImages.View(ml, 40);
        var model = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.ResNet(TinyImages.Options(epochs: 1))).Fit(data);
        var batched = ml.Data.CreateEnumerable<Prediction>(model.Transform(data), reuseRowObject: false).ToList();

        using var engine = ml.Model.CreatePredictionEngine<TinyImage, Prediction>(model);

        foreach (var (row, expected) in TinyImages.Rows(40).Zip(batched))
        {
            var single = engine.Predict(row);
            Assert.AreEqual(expected.PredictedLabel, single.PredictedLabel);
            for (var i = 0; i < expected.Score.Length; i++)
                Assert.AreEqual(expected.Score[i], single.Score[i], 1e-6);
        }
    }

    [TestMethod]
    public void The_short_overload_names_columns_and_takes_a_recipe_whose_epochs_it_may_replace()
    {
        var ml = new MLContext(seed: 1);
        var data = Keyed(ml, TinyImages.View(ml, 40));
        var recipe = TinyImages.Options(epochs: 7).Recipe with { Schedule = LearningRateSchedule.Constant };

        using var model = ml.MulticlassClassification.Trainers.ResNet(scoreColumnName: "Probabilities",
            predictedLabelColumnName: "Class", architecture: ResNetArchitecture.Cifar(8), recipe: recipe, numberOfEpochs: 1).Fit(data);

        CollectionAssert.IsSubsetOf(new[] { "Probabilities", "Class" },
            model.GetOutputSchema(data.Schema).Select(column => column.Name).ToArray());
        Assert.AreEqual(ResNetArchitecture.Cifar(8), model.Model.Architecture);
        Assert.AreEqual(1, model.TrainingHistory.Single().NumberOfEpochs);
        Assert.AreEqual(recipe.LearningRate, model.TrainingHistory[0].LearningRate);
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ml.MulticlassClassification.Trainers
            .ResNet(exampleWeightColumnName: "Importance", numberOfEpochs: 1).Fit(data));
        StringAssert.Contains(error.Message, "Importance");
    }

    [TestMethod]
    public void Every_wrong_option_is_named_at_construction()
    {
        var ml = new MLContext();
        var options = new ResNetTrainer.Options
        {
            ImageChannels = 5,
            LabelColumnName = "",
            Recipe = TrainingRecipe.Tutorial with { NumberOfEpochs = 0, BatchSize = 1, LearningRate = double.NaN }
        };

        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ml.MulticlassClassification.Trainers.ResNet(options));

        foreach (var name in new[] { "NumberOfEpochs is 0", "BatchSize is 1", "LearningRate is NaN", "ImageChannels is 5",
            "LabelColumnName is empty" })
            StringAssert.Contains(error.Message, name);
    }

    [TestMethod]
    public void Training_leaves_no_tensor_behind()
    {
        var ml = new MLContext(seed: 1);
        var data = Keyed(ml, TinyImages.View(ml, 40));
        using (ml.MulticlassClassification.Trainers.ResNet(TinyImages.Options(epochs: 1)).Fit(data))
        {
            // warms up whatever is made once for the process
        }

        var census = TensorCensus.Start();
        using (var model = ml.MulticlassClassification.Trainers.ResNet(TinyImages.Options(epochs: 2)).Fit(data, data))
            Scores(ml, model.Transform(data));
        census.AssertNoSurvivorsOfTraining(ResNetArchitecture.Cifar(8), networks: 1);
    }

    [TestMethod]
    public void Cancellation_stops_before_the_next_batch()
    {
        var ml = new MLContext(seed: 1);
        using var cancellation = new CancellationTokenSource();
        var options = TinyImages.Options(epochs: 1000);
        options.CancellationToken = cancellation.Token;
        options.MetricsCallback = report => cancellation.Cancel();

        Assert.ThrowsExactly<OperationCanceledException>(() => Trained(ml, TinyImages.View(ml, 40), options));
    }

    private static ResNetTransformer Trained(MLContext ml, IDataView data, ResNetTrainer.Options options)
        => ml.MulticlassClassification.Trainers.ResNet(options).Fit(Keyed(ml, data));

    private static IDataView Keyed(MLContext ml, IDataView data)
        => ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);

    private static float[] Scores(MLContext ml, IDataView scored)
        => [.. ml.Data.CreateEnumerable<ScoreRow>(scored, reuseRowObject: false, ignoreMissingColumns: true).SelectMany(row => row.Score)];

    private sealed class ScoreRow
    {
        public float[] Score { get; set; } = [];
    }

    private sealed class Prediction
    {
        public uint PredictedLabel { get; set; }

        public float[] Score { get; set; } = [];
    }
}
