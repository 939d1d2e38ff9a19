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
        foreach (var architecture in new[] { ResNetArchitecture.Cifar(8), ResNetArchitecture.Cifar(20) })
        {
            ResNetTransformer model = null!;
            var training = new Thread(() => model = Fit(ml, data, architecture)); // its pool of OpenMP threads ends with it
            training.Start();
            training.Join();
            Report($"{architecture.Name}, one caller", ml, model, callers: 1);
            Report($"{architecture.Name}, eight callers", ml, model, callers: 8);
            model.Dispose();
        }
        using var trainedHere = Fit(ml, data, ResNetArchitecture.Cifar(20));
        Report("cifar-20, one caller that trained before", ml, trainedHere, callers: 1);
    }

    private void Report(string what, MLContext ml, ResNetTransformer model, int callers)
    {
        var rows = TinyImages.Rows(30);
        var clock = Stopwatch.StartNew();
        var tasks = Enumerable.Range(0, callers - 1)
            .Select(_ => Task.Factory.StartNew(Measure, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))
            .ToArray();
        double[] times = [.. Measure().Concat(tasks.SelectMany(task => task.Result)).Order()];
        TestContext.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{what}, 8x8 pixels: median {times[times.Length / 2]:f3} ms, 90 % {times[times.Length * 9 / 10]:f3} ms, "
                + $"{callers * 500 / clock.Elapsed.TotalSeconds:f0} a second"));

        double[] Measure()
        {
            using var engine =
                ml.Model.CreatePredictionEngine<TinyImage, ScoredRow>(model, new PredictionEngineOptions { OwnsTransformer = false });
            return [.. Enumerable.Range(0, 500).Select(run => Time(() => engine.Predict(rows[run % 30]))).Skip(100)];
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
        return ml.MulticlassClassification.Trainers.ResNet(options)
            .Fit(ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data));
    }

    /// <summary>
    /// Fails if resident memory is on average more than 16 MiB higher in the last third of the cycles than in the second. Single
    /// readings jump by that much, because the allocator keeps blocks; a leaked network a cycle would add more.
    /// </summary>
    private void AssertFlat(int cycles, int every, Action cycle)
    {
        if (ResidentMemory.Bytes() is null)
            Assert.Inconclusive("This system has no /proc.");
        var curve = new List<double>();
        for (var done = 0; done <= cycles; done++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            curve.Add(ResidentMemory.Bytes()!.Value / MiB);
            if (done % every == 0)
                TestContext.WriteLine(
                    string.Create(CultureInfo.InvariantCulture,
                    $"after {done,3} cycles: {curve[^1]:f1} MiB resident, {GC.GetTotalMemory(false) / MiB:f1} MiB managed"));
            cycle();
        }
        var third = curve.Count / 3;
        var growth = curve.TakeLast(third).Average() - curve.Skip(third).Take(third).Average();
        TestContext.WriteLine(string.Create(CultureInfo.InvariantCulture, $"last third against the second: {growth:+0.0;-0.0} MiB"));
        Assert.IsLessThan(16.0, growth, "growth in MiB");
    }
}
