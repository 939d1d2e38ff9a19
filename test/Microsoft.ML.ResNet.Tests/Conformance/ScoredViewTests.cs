using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Tests.Support;
using TorchSharp;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>The view that <c>Transform</c> returns keeps the contract of views, and its numbers do not depend on how it is read.</summary>
[TestClass]
public class ScoredViewTests
{
    public static IEnumerable<object[]> Columns => ImageRows.Columns.Select(column => new object[] { column });

    [TestMethod]
    [DynamicData(nameof(Columns))]
    public void The_view_keeps_its_contract_for_every_kind_of_image(string column)
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.Narrow(ml, 7, column);
        using var model = ImageRows.Trainer(ml, column).Fit(data);
        ViewWorkout.Run(model.Transform(data));
        ViewComparison.AssertSameRows(model.Transform(data), model.Transform(data), $"images in {column}");
    }

    [TestMethod]
    public void The_row_mapper_delivers_the_rows_of_the_batched_view()
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.Narrow(ml, 7);
        using var model = ImageRows.Trainer(ml).Fit(data);
        var mapped = ((RowToRowTransformerBase)model).Transform(data); // ML.NET's own view over the row mapper
        ViewWorkout.Run(mapped);
        ViewComparison.AssertSameRows(model.Transform(data), mapped, "row mapper");
    }

    [TestMethod]
    public void Scores_depend_neither_on_the_place_in_a_batch_nor_on_its_size()
    {
        var ml = new MLContext(seed: 1);
        var rows = TinyImages.Rows(270); // two full batches and a part
        using var model = Fit(ml, ml.Data.LoadFromEnumerable(rows));
        var all = Score(rows);
        foreach (var skipped in new[] { 1, 128, 200, 269 })
            Scores.AssertSame([.. all.Skip(skipped)], Score(rows.Skip(skipped)), $"without the first {skipped} rows");
        Scores.AssertSame([.. all.AsEnumerable().Reverse()], Score(rows.Reverse()), "backwards");

        List<ScoredRow> Score(IEnumerable<TinyImage> some) => Scores.Read(ml, model.Transform(ml.Data.LoadFromEnumerable(some)));
    }

    [TestMethod]
    public void Scores_do_not_depend_on_the_number_of_threads()
    {
        var ml = new MLContext(seed: 1);
        var data = ml.Data.LoadFromEnumerable(TinyImages.Rows(100));
        using var model = Fit(ml, data);
        var before = Scores.Read(ml, model.Transform(data));
        var threads = torch.get_num_threads();
        try
        {
            ScoringThread.Run(() => torch.set_num_threads(threads == 1 ? 2 : 1));
            Scores.AssertSame(before, Scores.Read(ml, model.Transform(data)), "with another number of threads");
        }
        finally
        {
            ScoringThread.Run(() => torch.set_num_threads(threads));
        }
    }

    [TestMethod]
    public void Only_the_column_of_images_is_read_for_scores_and_nothing_for_other_columns()
    {
        var ml = new MLContext(seed: 1);
        var source = new CountingView(ImageRows.View(ml, 7));
        using var model = ImageRows.Trainer(ml).Fit(source);
        source.Reset();
        var scored = model.Transform(source);
        Assert.AreEqual(0, source.CursorsOpened, "Transform is lazy");

        RowReader.Open(scored, active: column => column.Name == "Score").DisposeAfter(reader => reader.ReadRest());
        CollectionAssert.AreEqual(new[] { nameof(ImageRow.Planar) }, source.ActivatedColumns.ToArray());
        Assert.AreEqual(1, source.Activations(nameof(ImageRow.Planar)));

        source.Reset();
        RowReader.Open(scored, active: column => column.Name == "Label").DisposeAfter(reader => reader.ReadRest());
        CollectionAssert.AreEqual(new[] { "Label" }, source.ActivatedColumns.ToArray());
        Assert.AreEqual(1, source.CursorsOpened);
        Assert.AreEqual(0, source.CursorsOpen, "every cursor was disposed");
    }

    [TestMethod]
    [DataRow("Score", "Planar")]
    [DataRow("PredictedLabel", "Planar")]
    [DataRow("Label", "Label")]
    public void The_row_mapper_depends_on_the_images_alone_and_only_for_scores(string output, string input)
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.Narrow(ml, 7);
        using var model = ImageRows.Trainer(ml).Fit(data);
        var mapper = ((ITransformer)model).GetRowToRowMapper(data.Schema);
        Assert.AreEqual(input, string.Join(", ", mapper.GetDependencies([mapper.OutputSchema[output]]).Select(column => column.Name)));
    }

    [TestMethod]
    public void A_cursor_that_is_left_early_read_one_batch_at_most()
    {
        var ml = new MLContext(seed: 1);
        using var model = Fit(ml, TinyImages.View(ml, 30));
        var source = new CountingView(TinyImages.View(ml, 1000));
        var scored = model.Transform(source);

        RowReader.Open(scored).DisposeAfter(reader => reader.Read());

        Assert.IsLessThanOrEqualTo(1 + 128, source.RowsRead);
        Assert.AreEqual(0, source.CursorsOpen);
    }

    [TestMethod]
    public void A_source_that_shrinks_between_two_readings_is_an_error_that_says_so()
    {
        var ml = new MLContext(seed: 1);
        using var model = Fit(ml, TinyImages.View(ml, 30));
        var readings = 0;
        var source = ml.Data.LoadFromEnumerable(Shrinking());

        var error = Assert.ThrowsExactly<InvalidOperationException>(() => RowReader.Open(model.Transform(source))
            .DisposeAfter(reader => reader.ReadRest()));
        StringAssert.Contains(error.Message, "fewer rows");

        IEnumerable<TinyImage> Shrinking()
        {
            foreach (var row in TinyImages.Rows(readings++ == 0 ? 5 : 3))
                yield return row;
        }
    }

    [TestMethod]
    public void An_empty_view_stays_empty()
    {
        var ml = new MLContext(seed: 1);
        using var model = Fit(ml, TinyImages.View(ml, 30));
        Assert.IsEmpty(Scores.Read(ml, model.Transform(TinyImages.View(ml, 0))));
    }

    [TestMethod]
    public void Evaluate_agrees_with_figures_computed_by_hand()
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.View(ml, 60);
        using var model = ImageRows.Trainer(ml, epochs: 2).Fit(data);
        var scored = model.Transform(data);
        var (rows, labels) = (Scores.Read(ml, scored), scored.GetColumn<uint>("Label").ToArray());

        var metrics = ml.MulticlassClassification.Evaluate(scored);

        Assert.AreEqual(rows.Zip(labels).Average(pair => pair.First.PredictedLabel == pair.Second ? 1.0 : 0), metrics.MicroAccuracy, 1e-9);
        Assert.AreEqual(rows.Zip(labels).Average(pair => -Math.Log(pair.First.Score[pair.Second - 1])), metrics.LogLoss, 1e-5);
        Assert.IsTrue(rows.All(row => Math.Abs(row.Score.Sum() - 1) < 1e-5), "scores are probabilities");
        Assert.IsTrue(rows.All(row => row.Score[row.PredictedLabel - 1] == row.Score.Max()), "the predicted label has the highest score");
    }

    private static ResNetTransformer Fit(MLContext ml, IDataView data)
        => ml.MulticlassClassification.Trainers.ResNet(TinyImages.Options(epochs: 1))
            .Fit(ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data));
}

/// <summary>Lets a disposable be used in an expression.</summary>
internal static class Disposables
{
    /// <summary>Uses it, then disposes it.</summary>
    public static void DisposeAfter<T>(this T disposable, Action<T> use) where T : IDisposable
    {
        using (disposable)
            use(disposable);
    }
}
