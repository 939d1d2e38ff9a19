using System.Diagnostics;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>Many threads, one model: right results, no deadlock, few threads; and a model may be disposed under them.</summary>
[TestClass]
public class ConcurrencyTests
{
    private const int Threads = 8;

    private static readonly PredictionEngineOptions Shared = new() { OwnsTransformer = false };

    [TestMethod]
    public void Eight_threads_with_their_own_engines_get_the_scores_of_one_and_add_few_threads()
    {
        var ml = new MLContext(seed: 1);
        var rows = TinyImages.Rows(40);
        using var model = Fit(ml, rows);
        var expected = Scores.Read(ml, model.Transform(ml.Data.LoadFromEnumerable(rows)));
        using var ready = new Barrier(Threads + 1);
        var before = ThreadCount();

        var work = OnThreads(_ =>
        {
            using var engine = ml.Model.CreatePredictionEngine<TinyImage, ScoredRow>(model, Shared);
            engine.Predict(rows[0]); // whatever threads this one needs are there now
            ready.SignalAndWait();
            ready.SignalAndWait();
            return rows.Select(engine.Predict).ToList();
        });
        ready.SignalAndWait();
        var added = ThreadCount() - before - Threads;
        ready.SignalAndWait();

        foreach (var scores in work.Select(task => task.Result))
            Scores.AssertSame(expected, scores, "one of eight threads");
        Assert.IsLessThan(Environment.ProcessorCount + 4, added, $"threads beside the {Threads} that ask for scores");
    }

    [TestMethod]
    public void Eight_threads_read_one_scored_view_at_the_same_time()
    {
        var ml = new MLContext(seed: 1);
        var rows = TinyImages.Rows(150);
        using var model = Fit(ml, rows);
        var scored = model.Transform(ml.Data.LoadFromEnumerable(rows));
        var expected = Scores.Read(ml, scored);
        foreach (var task in OnThreads(_ => Scores.Read(ml, scored)))
            Scores.AssertSame(expected, task.Result, "one of eight readers");
    }

    [TestMethod]
    public void Two_models_score_at_the_same_time_without_mixing_up()
    {
        var ml = new MLContext(seed: 1);
        var rows = TinyImages.Rows(40);
        ResNetTransformer[] models = [Fit(ml, rows), Fit(ml, rows, seed: 9)];
        var expected = Array.ConvertAll(models, model => Scores.Read(ml, model.Transform(ml.Data.LoadFromEnumerable(rows))));
        Assert.AreNotEqual(expected[0][0].Score[0], expected[1][0].Score[0], "the models differ");

        foreach (var (task, index) in OnThreads(index => Scores.Read(ml, models[index % 2].Transform(ml.Data.LoadFromEnumerable(rows))))
            .Select((task, index) => (task, index)))
            Scores.AssertSame(expected[index % 2], task.Result, $"model {index % 2}");
        Array.ForEach(models, model => model.Dispose());
    }

    [TestMethod]
    public void Training_and_scoring_run_side_by_side()
    {
        var ml = new MLContext(seed: 1);
        var rows = TinyImages.Rows(40);
        using var model = Fit(ml, rows);
        var expected = Scores.Read(ml, model.Transform(ml.Data.LoadFromEnumerable(rows)));
        var work = OnThreads(index =>
        {
            if (index < 2)
                Fit(ml, rows).Dispose();
            return Scores.Read(ml, model.Transform(ml.Data.LoadFromEnumerable(rows)));
        }, threads: 4);
        foreach (var task in work)
            Scores.AssertSame(expected, task.Result, "while another model was trained");
    }

    [TestMethod]
    public void A_caller_that_is_interrupted_while_it_waits_harms_nobody_else()
    {
        using var mayEnd = new ManualResetEventSlim();
        var holding = OnThreads(_ =>
        {
            ScoringThread.Run(mayEnd.Wait);
            return 0;
        }, threads: 1);
        Exception? thrown = null;
        var impatient = new Thread(() => thrown = Assert.ThrowsExactly<ThreadInterruptedException>(() => ScoringThread.Run(() => { })));
        impatient.Start();
        impatient.Interrupt();
        impatient.Join();
        mayEnd.Set();

        Task.WaitAll(holding);
        Assert.IsNotNull(thrown);
        Assert.ThrowsExactly<InvalidDataException>(() => ScoringThread.Run(() => throw new InvalidDataException()));
        ScoringThread.Run(() => Assert.IsTrue(Thread.CurrentThread.IsBackground));
    }

    [TestMethod]
    public void A_model_may_be_disposed_while_others_score()
    {
        var ml = new MLContext(seed: 1);
        var rows = TinyImages.Rows(40);
        for (var round = 0; round < 5; round++)
        {
            var model = Fit(ml, rows);
            using var started = new CountdownEvent(Threads);
            var work = OnThreads(_ =>
            {
                using var engine = ml.Model.CreatePredictionEngine<TinyImage, ScoredRow>(model, Shared);
                engine.Predict(rows[0]);
                started.Signal();
                for (var scored = 1; ; scored++)
                    try
                    {
                        Assert.AreEqual(1, engine.Predict(rows[scored % rows.Count]).Score.Sum(), 1e-5);
                    }
                    catch (ObjectDisposedException)
                    {
                        return scored;
                    }
            });
            started.Wait();
            OnThreads(_ =>
            {
                model.Dispose();
                return 0;
            }, threads: 2);
            Assert.IsTrue(Task.WaitAll(work, TimeSpan.FromMinutes(1)), "every thread saw the end of the model");
        }
    }

    private static ResNetTransformer Fit(MLContext ml, IReadOnlyList<TinyImage> rows, int? seed = null)
    {
        var options = TinyImages.Options(epochs: 1);
        options.Seed = seed;
        var data = ml.Data.LoadFromEnumerable(rows);
        return ml.MulticlassClassification.Trainers.ResNet(options)
            .Fit(ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data));
    }

    private static Task<T>[] OnThreads<T>(Func<int, T> work, int threads = Threads)
        => [.. Enumerable.Range(0, threads)
            .Select(index => Task.Factory.StartNew(() => work(index), CancellationToken.None, TaskCreationOptions.LongRunning,
            TaskScheduler.Default))];

    private static int ThreadCount()
    {
        using var process = Process.GetCurrentProcess();
        return process.Threads.Count;
    }
}
