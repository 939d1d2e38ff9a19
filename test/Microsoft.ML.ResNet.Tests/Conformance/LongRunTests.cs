using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>
/// Memory over many cycles, and the time of one prediction. Takes minutes: runs only with the environment variable
/// <c>RESNET_LONG_TESTS=1</c>, and writes what it measured to the test's output.
/// </summary>
[TestClass]
[TestCategory("Long")]
public class LongRunTests
{
    private const double MiB = 1024 * 1024;

    public TestContext TestContext { get; set; } = null!;

    [TestInitialize]
    public void SkipUnlessAskedFor()
    {
        if (Environment.GetEnvironmentVariable("RESNET_LONG_TESTS") != "1")
            Assert.Inconclusive("Takes minutes. Set RESNET_LONG_TESTS=1 to run it.");
    }

    [TestMethod]
    public void Memory_is_flat_over_200_cycles_of_load_predict_and_dispose()
    {
        var ml = new MLContext(seed: 1);
        var data = TinyImages.View(ml, 30);
        var image = TinyImages.Rows(1)[0];
        using var file = new MemoryStream();
        using (var model = Fit(ml, data, ResNetArchitecture.Cifar(20)))
            ml.Model.Save(model, data.Schema, file);
        AssertFlat(cycles: 200, every: 20, () =>
        {
            file.Position = 0;
            var loaded = ml.Model.Load(file, out _);
            using var engine = ml.Model.CreatePredictionEngine<TinyImage, ScoredRow>(loaded); // owns the model
            Assert.AreEqual(1, engine.Predict(image).Score.Sum(), 1e-5);
        });
    }

    [TestMethod]
    public void Memory_is_flat_over_50_cycles_of_fit_and_dispose()
    {
        var ml = new MLContext(seed: 1);
        var data = TinyImages.View(ml, 60);
        AssertFlat(cycles: 50, every: 5, () => Fit(ml, data, ResNetArchitecture.Cifar(20)).Dispose());
    }

    [TestMethod]
    public void The_time_of_one_prediction()
    {
        var ml = new MLContext(seed: 1);
        var data = TinyImages.View(ml, 30);
        var rows = TinyImages.Rows(30);
        foreach (var architecture in new[] { ResNetArchitecture.Cifar(8), ResNetArchitecture.Cifar(20) })
        {
            using var model = Fit(ml, data, architecture);
            using var engine = ml.Model.CreatePredictionEngine<TinyImage, ScoredRow>(model, new PredictionEngineOptions { OwnsTransformer = false });
            var times = Enumerable.Range(0, 600).Select(run => Time(() => engine.Predict(rows[run % 30]))).Skip(100).Order().ToArray();
            TestContext.WriteLine($"{architecture.Name}, 8x8 pixels: median {times[times.Length / 2]:f3} ms, 90 % {times[times.Length * 9 / 10]:f3} ms");
        }
    }

    private static double Time(Action action)
    {
        var clock = Stopwatch.StartNew();
        action();
        return clock.Elapsed.TotalMilliseconds;
    }

    private static ResNetTransformer Fit(MLContext ml, IDataView data, ResNetArchitecture architecture)
    {
        var options = TinyImages.Options(epochs: 1);
        options.Architecture = architecture;
        return ml.MulticlassClassification.Trainers.ResNet(options).Fit(ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data));
    }

    /// <summary>Fails if resident memory grows by more than 16 MiB from the end of the first third to the end: a leak of one network a cycle would be more.</summary>
    private void AssertFlat(int cycles, int every, Action cycle)
    {
        if (ResidentMemory.Bytes() is null)
            Assert.Inconclusive("This system has no /proc.");
        var curve = new List<double>();
        for (var done = 0; done <= cycles; done++)
        {
            if (done % every == 0)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                curve.Add(ResidentMemory.Bytes()!.Value / MiB);
                TestContext.WriteLine(string.Create(CultureInfo.InvariantCulture, $"after {done,3} cycles: {curve[^1]:f1} MiB resident, {GC.GetTotalMemory(false) / MiB:f1} MiB managed"));
            }
            cycle();
        }
        Assert.IsLessThan(16.0, curve[^1] - curve[curve.Count / 3], "growth in MiB");
    }
}
