using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>ML.NET's own estimator test, for every kind of image column and of label.</summary>
[TestClass]
public class EstimatorTests
{
    private const int Rows = 7;

    public static IEnumerable<object[]> Kinds
        => from column in ImageRows.Columns from label in ImageRows.LabelSources select new object[] { column, label };

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void The_workout_passes_for_every_kind_of_image_and_label(string column, string labelSource)
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.Narrow(ml, Rows, column, labelSource);
        EstimatorWorkout.Run(ml, ImageRows.Trainer(ml, column), data,
            validTransformInput: ImageRows.Without(ml, data, "Label"),
            invalidInput: ImageRows.Without(ml, data, column));
    }

    [TestMethod]
    [DataRow("Score", "Guess")]
    [DataRow("Chances", "PredictedLabel")]
    [DataRow("Chances", "Guess")]
    public void The_workout_passes_with_columns_of_other_names(string score, string predictedLabel)
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.Narrow(ml, Rows);
        data = ml.Transforms.CopyColumns("Truth", "Label").Append(ml.Transforms.DropColumns("Label")).Fit(data).Transform(data);
        var trainer = ImageRows.Trainer(ml, change: options =>
        {
            options.LabelColumnName = "Truth";
            options.ScoreColumnName = score;
            options.PredictedLabelColumnName = predictedLabel;
        });
        EstimatorWorkout.Run(ml, trainer, data, validTransformInput: ImageRows.Without(ml, data, "Truth"));
        using var model = trainer.Fit(data);
        Assert.AreEqual($"{predictedLabel}, {score}",
            string.Join(", ", model.GetOutputSchema(data.Schema).Skip(data.Schema.Count).Select(column => column.Name)));
    }

    [TestMethod]
    public void The_workout_passes_with_a_weight_column()
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.Narrow(ml, Rows);
        var trainer = ImageRows.Trainer(ml, change: options => options.ExampleWeightColumnName = nameof(ImageRow.Weight));
        EstimatorWorkout.Run(ml, trainer, data, validTransformInput: ImageRows.Without(ml, data, nameof(ImageRow.Weight)));
    }

    [TestMethod]
    public void The_workout_passes_when_the_output_hides_input_columns_of_the_same_name()
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.Narrow(ml, Rows);
        data = ml.Transforms.CopyColumns("Score", "Weight").Append(ml.Transforms.CopyColumns("PredictedLabel", "Weight")).Fit(data)
            .Transform(data);
        EstimatorWorkout.Run(ml, ImageRows.Trainer(ml), data);
    }

    [TestMethod]
    public void The_workout_passes_within_a_chain_that_makes_the_label_and_reads_the_prediction()
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.Without(ml, ml.Data.LoadFromEnumerable(ImageRows.Create(Rows)), "Planar", "Floats", "Flat", "Encoded", "Path",
            "Number", "Key", "Weight");
        var chain = ml.Transforms.Conversion.MapValueToKey("Label", "Name")
            .Append(ml.Transforms.CopyColumns("Features", "Interleaved"))
            .Append(ImageRows.Trainer(ml, "Features"))
            .Append(ml.Transforms.CopyColumns("Confidence", "Score"))
            .Append(ml.Transforms.Conversion.MapKeyToValue("Guess", "PredictedLabel"));
        EstimatorWorkout.Run(ml, chain, data);
    }

    [TestMethod]
    [DataRow("Label", "Nowhere", "Could not find feature column 'Nowhere'. There are '")]
    [DataRow("Label", "Name", "Schema mismatch for feature column 'Name': expected ")]
    [DataRow("Nowhere", "Planar", "Could not find label column 'Nowhere'. There are '")]
    [DataRow("Name", "Planar", "Schema mismatch for label column 'Name': expected Key<UInt32>, got String. Put "
        + "mlContext.Transforms.Conversion.MapValueToKey(\"Name\") in front of the trainer.")]
    [DataRow("Number", "Planar", "Schema mismatch for label column 'Number': expected Key<UInt32>, got Single")]
    public void Columns_that_are_missing_or_of_another_type_are_refused_in_the_words_of_ML_NET(string label, string feature, string message)
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.View(ml, Rows);
        var trainer = ImageRows.Trainer(ml, feature, change: options => options.LabelColumnName = label);
        foreach (var refuse in new Action[] { () => trainer.Fit(data), () => trainer.GetOutputSchema(SchemaShape.Create(data.Schema)) })
        {
            var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(refuse);
            StringAssert.StartsWith(error.Message, message);
            Assert.AreEqual("inputSchema", error.ParamName);
        }
    }

    [TestMethod]
    public void A_feature_column_of_another_type_or_number_of_channels_is_refused_by_estimator_and_model()
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.Narrow(ml, Rows);
        EstimatorWorkout.Run(ml, ImageRows.Trainer(ml), data, invalidInput: Features(ml, data, "Label"));
        EstimatorWorkout.Run(ml, ImageRows.Trainer(ml), data, validForFitNotForTransform: ImageRows.Grey(ml, Rows));
    }

    [TestMethod]
    public void A_weight_column_that_is_missing_or_of_another_type_is_refused()
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.View(ml, Rows);
        foreach (var (name, part) in new[] { ("Nowhere", "Could not find weight column 'Nowhere'"),
            ("Name", "Schema mismatch for weight column 'Name': expected Single, got String") })
        {
            var trainer = ImageRows.Trainer(ml, change: options => options.ExampleWeightColumnName = name);
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => trainer.Fit(data)).Message, part);
            StringAssert.Contains(
                Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => trainer.GetOutputSchema(SchemaShape.Create(data.Schema))).Message,
                part);
        }
    }

    /// <summary>The view with another column in the place of <c>Planar</c>.</summary>
    private static IDataView Features(MLContext ml, IDataView data, string source)
        => ml.Transforms.CopyColumns("Planar", source).Fit(data).Transform(data);
}
