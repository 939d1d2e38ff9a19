using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Tests;

/// <summary>What Options.Progress receives. Its rate is <c>ProgressMeterTests</c>' matter.</summary>
[TestClass]
public class TrainingProgressTests
{
    private const int Epochs = 3, Rows = 61, Steps = 4;

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void Reports_go_forward_on_the_callers_thread_and_end_with_the_last_step_of_every_epoch()
    {
        var (reports, ends, threads) = (new List<TrainingProgress>(), new List<EpochReport>(), new HashSet<int>());
        var census = TensorCensus.Start();

        Fit(new Listener(report =>
        {
            reports.Add(report);
            threads.Add(Environment.CurrentManagedThreadId);
            Assert.AreSame(ends.LastOrDefault(), report.LastEpoch);
        }), ends.Add);

        census.AssertNoSurvivorsOfTraining(ResNetArchitecture.Cifar(8), networks: 1);
        Assert.AreEqual(Environment.CurrentManagedThreadId, threads.Single());
        Assert.IsTrue(reports.Zip(reports.Skip(1))
            .All(pair => (pair.First.Epoch, pair.First.Step).CompareTo((pair.Second.Epoch, pair.Second.Step)) < 0
            && pair.First.Elapsed <= pair.Second.Elapsed));
        Assert.IsTrue(
            reports.All(report => report is { NumberOfEpochs: Epochs, StepsPerEpoch: Steps, ImagesPerSecond: > 0 }
            && report.TimeLeft >= TimeSpan.Zero));
        var last = reports.Where(report => report.Step == Steps).ToList();
        CollectionAssert.AreEqual(ends.Select(end => (end.Epoch, end.TrainLoss, end.TrainAccuracy))
            .ToArray(), last.Select(report => (report.Epoch, report.TrainLoss, report.TrainAccuracy))
            .ToArray(), "the whole epoch's figures");
        Assert.AreEqual(TimeSpan.Zero, last[^1].TimeLeft);
    }

    [TestMethod]
    public void What_the_listener_throws_stops_training_as_it_is()
    {
        var reports = 0;
        var census = TensorCensus.Start();

        Assert.ThrowsExactly<InvalidDataException>(() => Fit(new Listener(_ => throw new InvalidDataException($"{++reports}"))));

        Assert.AreEqual(1, reports);
        census.AssertNoSurvivorsOfTraining(ResNetArchitecture.Cifar(8), networks: 1);
    }

    [TestMethod]
    public void ML_NETs_console_sees_epochs_and_steps_while_an_epoch_goes_on()
    {
        using var output = new StringWriter();
        var environment = new ConsoleEnvironment(seed: 1, verbose: true, outWriter: output, errWriter: output);
        var options = TinyImages.Options(Epochs);
        options.Progress = new Listener(report =>
        {
            for (var times = 0; report is { Epoch: 2, Step: Steps } && times < 60; times++)
                environment.PrintProgress(); // a dot each time, and a status line after fifty
        });
        new ResNetTrainer(environment, options).Fit(Data()).Dispose();

        StringAssert.Contains(output.ToString(), $"1/{Epochs} epochs");
        StringAssert.Contains(output.ToString(), $"{Steps}/{Steps} steps");
    }

    private void Fit(IProgress<TrainingProgress> listener, Action<EpochReport>? epochEnded = null)
    {
        var options = TinyImages.Options(Epochs);
        (options.Progress, options.MetricsCallback) = (listener, epochEnded);
        _ml.MulticlassClassification.Trainers.ResNet(options).Fit(Data()).Dispose();
    }

    private IDataView Data()
    {
        var data = TinyImages.View(_ml, Rows);
        return _ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);
    }

    private sealed class Listener(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
