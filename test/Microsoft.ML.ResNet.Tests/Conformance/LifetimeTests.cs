using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Tests.Interop.Onnx;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>Who disposes what, what happens afterwards, and that nothing is left behind.</summary>
[TestClass]
public class LifetimeTests
{
    [TestMethod]
    public void Dispose_may_be_called_again_and_scoring_afterwards_says_that_the_model_is_disposed()
    {
        var ml = new MLContext(seed: 1);
        var model = Fit(ml, out var data);
        var view = model.Transform(data);
        using var engine =
            ml.Model.CreatePredictionEngine<TinyImage, ScoredRow>(model, new PredictionEngineOptions { OwnsTransformer = false });
        engine.Predict(TinyImages.Rows(1)[0]);

        model.Dispose();
        model.Dispose();

        foreach (var score in new Action[] { () => Scores.Read(ml, view), () => Scores.Read(ml, model.Transform(data)),
            () => engine.Predict(TinyImages.Rows(1)[0]) })
            Assert.AreEqual(typeof(ResNetTransformer).FullName, Assert.ThrowsExactly<ObjectDisposedException>(score).ObjectName);
        Assert.HasCount(3, model.Model.ClassNames, "what the model knows stays readable");
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void An_engine_disposes_the_model_only_if_it_owns_it(bool owns)
    {
        var ml = new MLContext(seed: 1);
        using var model = Fit(ml, out var data);
        ml.Model.CreatePredictionEngine<TinyImage, ScoredRow>(model, new PredictionEngineOptions { OwnsTransformer = owns }).Dispose();
        if (owns)
            Assert.ThrowsExactly<ObjectDisposedException>(() => Scores.Read(ml, model.Transform(data)));
        else
            Assert.HasCount(30, Scores.Read(ml, model.Transform(data)));
    }

    [TestMethod]
    public void A_chain_disposes_the_model_in_it()
    {
        var ml = new MLContext(seed: 1);
        var data = TinyImages.View(ml, 30);
        var chain = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.ResNet(TinyImages.Options(epochs: 1))).Fit(data);
        chain.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => Scores.Read(ml, chain.Transform(data)));
    }

    [TestMethod]
    public void A_disposed_model_can_still_be_saved()
    {
        var ml = new MLContext(seed: 1);
        var model = Fit(ml, out var data);
        var expected = Scores.Read(ml, model.Transform(data));
        model.Dispose();
        using var loaded = Load(ml, Save(ml, model, data));
        Scores.AssertSame(expected, Scores.Read(ml, loaded.Transform(data)), "saved after Dispose");
    }

    [TestMethod]
    public void Scoring_makes_no_tensor_that_stays()
    {
        var ml = new MLContext(seed: 1);
        using var warm = Fit(ml, out var data);
        Scores.Read(ml, warm.Transform(data));
        var file = Save(ml, warm, data);
        var (census, censusHere) = (OnScoringThread(TensorCensus.Start), TensorCensus.Start());

        var model = Load(ml, file);
        Scores.Read(ml, model.Transform(data));
        using (var cursor = model.Transform(data).GetRowCursor(model.Transform(data).Schema))
            cursor.MoveNext();
        using (var engine = ml.Model.CreatePredictionEngine<TinyImage, ScoredRow>(model,
            new PredictionEngineOptions { OwnsTransformer = false }))
            engine.Predict(TinyImages.Rows(1)[0]);

        model.Dispose();
        Assert.AreEqual(0, OnScoringThread(() => census.Survivors));
        Assert.AreEqual(0, censusHere.Survivors);
    }

    [TestMethod]
    public void The_libtorch_engine_leaves_nothing_but_the_network_and_Dispose_frees_that()
    {
        var model = ExportedModel.Tiny();
        using (var warm = new TorchEngine(model))
            warm.Run(new byte[model.Shape.Size], 1, NetworkOutput.Logits, new float[3]);
        var census = OnScoringThread(TensorCensus.Start);

        var scorer = new BatchScorer(model, new TorchEngine(model));
        scorer.Score(new byte[model.Shape.Size], 1, new float[3]);
        var network = OnScoringThread(() => census.Survivors);
        Assert.IsGreaterThan(0, network, "the network's weights live with the model");
        scorer.Score(new byte[2 * model.Shape.Size], 2, new float[6]);
        Assert.AreEqual(network, OnScoringThread(() => census.Survivors), "more batches make no more tensors");

        scorer.Dispose();
        scorer.Dispose();
        Assert.AreEqual(0, OnScoringThread(() => census.Survivors), "tensors after Dispose");
        Assert.ThrowsExactly<ObjectDisposedException>(() => scorer.Score(new byte[model.Shape.Size], 1, new float[3]));
    }

    [TestMethod]
    public void Twenty_cycles_of_load_predict_and_dispose_leave_no_tensor()
    {
        var ml = new MLContext(seed: 1);
        using var first = Fit(ml, out var data);
        Scores.Read(ml, first.Transform(data));
        var file = Save(ml, first, data);
        var census = OnScoringThread(TensorCensus.Start);
        for (var cycle = 0; cycle < 20; cycle++)
        {
            using var model = Load(ml, file);
            Assert.HasCount(30, Scores.Read(ml, model.Transform(data)));
        }
        Assert.AreEqual(0, OnScoringThread(() => census.Survivors));
    }

    [TestMethod]
    public void A_model_that_failed_to_fit_leaves_no_tensor()
    {
        var ml = new MLContext(seed: 1);
        Fit(ml, out var data).Dispose();
        var options = TinyImages.Options(epochs: 3);
        options.MetricsCallback = report => throw new InvalidDataException("the callback's own trouble");
        var census = TensorCensus.Start();
        Assert.ThrowsExactly<InvalidDataException>(() => ml.MulticlassClassification.Trainers.ResNet(options).Fit(data));
        census.AssertNoSurvivorsOfTraining(ResNetArchitecture.Cifar(8), networks: 1);
    }

    private static ResNetTransformer Fit(MLContext ml, out IDataView data)
    {
        var rows = TinyImages.View(ml, 30);
        data = ml.Transforms.Conversion.MapValueToKey("Label").Fit(rows).Transform(rows);
        return ml.MulticlassClassification.Trainers.ResNet(TinyImages.Options(epochs: 1)).Fit(data);
    }

    private static byte[] Save(MLContext ml, ITransformer model, IDataView data)
    {
        using var file = new MemoryStream();
        ml.Model.Save(model, data.Schema, file);
        return file.ToArray();
    }

    private static ResNetTransformer Load(MLContext ml, byte[] file) => (ResNetTransformer)ml.Model.Load(new MemoryStream(file), out _);

    /// <summary>The network's tensors come and go on that thread, and a census is per thread.</summary>
    private static T OnScoringThread<T>(Func<T> work)
    {
        T result = default!;
        ScoringThread.Run(() => result = work());
        return result;
    }
}
