using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>The column that says why an image has no scores.</summary>
[TestClass]
public class ProblemColumnTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void The_workout_passes_with_a_problem_column()
    {
        var data = ImageRows.Narrow(_ml, 12);
        var trainer = Trainer(nameof(ImageRow.Planar));

        EstimatorWorkout.Run(_ml, trainer, data, validTransformInput: ImageRows.Without(_ml, data, "Label"));
    }

    [TestMethod]
    public void An_image_without_scores_has_a_reason_and_others_have_none()
    {
        using var model = Trainer(nameof(ImageRow.Encoded)).Fit(ImageRows.View(_ml, 9));
        using var loaded = SaveAndLoad(model);
        var rows = ImageRows.Create(5);
        (rows[1].Encoded, rows[3].Encoded) = ([1, 2, 3], []);

        foreach (var one in new[] { model, loaded })
        {
            var scored = Read(one.Transform(_ml.Data.LoadFromEnumerable(rows)));

            CollectionAssert.AreEqual(new[] { true, false, true, false, true }, scored.Select(row => row.Problem == "").ToArray());
            CollectionAssert.AreEqual(scored.Select(row => row.Problem == "").ToArray(),
                scored.Select(row => row.Score.All(float.IsFinite)).ToArray());
            StringAssert.StartsWith(scored[1].Problem, "expected ");
            Assert.AreNotEqual(scored[1].Problem, scored[3].Problem);

            using var engine =
                _ml.Model.CreatePredictionEngine<ImageRow, Reasoned>(one, new PredictionEngineOptions { OwnsTransformer = false });
            CollectionAssert.AreEqual(scored.Select(row => row.Problem).ToArray(),
                rows.Select(row => engine.Predict(row).Problem).ToArray());
        }
    }

    [TestMethod]
    public void The_column_is_there_only_if_it_was_asked_for()
    {
        var data = ImageRows.View(_ml, 9);
        using var model = ImageRows.Trainer(_ml).Fit(data);

        Assert.IsNull(model.GetOutputSchema(data.Schema).GetColumnOrNull("Problem"));
    }

    [TestMethod]
    [DataRow("", "ProblemColumnName is empty")]
    [DataRow("Score", "ProblemColumnName is 'Score'")]
    [DataRow("PredictedLabel", "ProblemColumnName is 'PredictedLabel'")]
    public void A_name_that_cannot_be_is_told_before_training(string name, string message)
    {
        var error = Assert.Throws<ArgumentException>(() => ImageRows.Trainer(_ml, change: options => options.ProblemColumnName = name));

        StringAssert.Contains(error.Message, message);
    }

    private ResNetTrainer Trainer(string column)
        => ImageRows.Trainer(_ml, column, change: options => options.ProblemColumnName = "Problem");

    private List<Reasoned> Read(IDataView scored)
        => [.. _ml.Data.CreateEnumerable<Reasoned>(scored, reuseRowObject: false)];

    private ResNetTransformer SaveAndLoad(ResNetTransformer model)
    {
        using var file = new MemoryStream();
        _ml.Model.Save(model, inputSchema: null, file);
        file.Position = 0;
        return _ml.Model.Load(file, out _).FindResNet()!;
    }

    private sealed class Reasoned
    {
        public float[] Score { get; set; } = [];

        public string Problem { get; set; } = "";
    }
}
