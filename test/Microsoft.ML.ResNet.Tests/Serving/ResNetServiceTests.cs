using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.ML.ResNet.AspNetCore;
using Microsoft.ML.ResNet.Tests.Images;

namespace Microsoft.ML.ResNet.Tests.Serving;

/// <summary>A model in an application with dependency injection.</summary>
[TestClass]
public class ResNetServiceTests
{
    [TestMethod]
    public async Task A_registered_model_is_loaded_when_the_host_starts_and_says_what_a_classifier_says()
    {
        var path = NewModel("first");
        using var classifier = new MLContext().Model.LoadImageClassifier(path);
        await using var application = Application(services => services.AddResNet(path));

        await application.StartAsync();
        var service = application.Services.GetRequiredService<ResNetService>();
        var picture = TestService.Picture(1);
        var expected = classifier.Predict(picture, new() { Top = 6 });

        Same(expected, await service.PredictAsync(picture, new() { Top = 6 }));
        using var stream = new MemoryStream(picture);
        Same(expected, await service.PredictAsync(stream, new() { Top = 6 }));
        Assert.AreEqual(ImageProblemKind.UnknownFormat, (await service.PredictAsync("no picture"u8.ToArray())).ProblemKind);
        Assert.AreEqual(HealthStatus.Healthy, (await HealthAsync(application)).Status);
    }

    [TestMethod]
    public async Task A_host_whose_model_is_broken_or_missing_does_not_start()
    {
        var path = NewModel("first");
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^100]);

        await using var broken = Application(services => services.AddResNet(path));
        await Assert.ThrowsExactlyAsync<ModelFormatException>(() => broken.StartAsync());
        await using var missing = Application(services => services.AddResNet(path + ".none"));
        await Assert.ThrowsExactlyAsync<FileNotFoundException>(() => missing.StartAsync());
    }

    [TestMethod]
    public async Task Several_models_are_told_apart_by_their_names()
    {
        var (first, second) = (NewModel("first"), NewModel("second"));
        await using var application = Application(services =>
        {
            services.AddKeyedResNet("cats", first);
            services.AddKeyedResNet("birds", second);
        });
        await application.StartAsync();

        Assert.AreEqual("cifar-8", Named("cats").Model.Architecture.Name);
        Assert.AreEqual("cifar-14", Named("birds").Model.Architecture.Name);
        CollectionAssert.AreEquivalent(new[] { "cats", "birds" }, (await HealthAsync(application)).Entries.Keys.ToArray());

        ResNetService Named(string name) => application.Services.GetRequiredKeyedService<ResNetService>(name);
    }

    [TestMethod]
    public async Task The_file_is_replaced_again_and_again_under_load_and_no_call_fails_or_gets_an_answer_of_neither_model()
    {
        string[] contents = [NewModel("first"), NewModel("second")];
        var path = Path.Combine(ImageSamples.NewFolder(), "served.zip");
        File.Copy(contents[0], path);
        var picture = TestService.Picture(1);
        var answers = contents.Select(content =>
        {
            using var classifier = new MLContext().Model.LoadImageClassifier(content);
            return $"{classifier.Predict(picture)}";
        }).ToHashSet();
        Assert.HasCount(2, answers, "the two models must disagree");
        using var service = new ResNetService("served", path, new() { MaximumConcurrency = 4, ReloadInterval = null });
        using var end = new CancellationTokenSource();
        var answered = 0;
        var callers = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (; !end.IsCancellationRequested; Interlocked.Increment(ref answered))
                if ((await service.PredictAsync(picture)).ToString() is var answer && !answers.Contains(answer))
                    Assert.Fail($"An answer of neither model: {answer}");
        })).ToArray();

        for (var change = 1; change <= 6; change++)
        {
            var before = Volatile.Read(ref answered);
            while (Volatile.Read(ref answered) < before + 20 && !Array.Exists(callers, caller => caller.IsCompleted))
                await Task.Delay(1);
            Replace(path, contents[change % 2], change);
            Assert.IsFalse(service.Reload(), "a file that has just changed may still be written");
            Assert.IsTrue(service.Reload());
            Assert.AreEqual(change % 2 == 0 ? "cifar-8" : "cifar-14", service.Model.Architecture.Name);
        }
        await end.CancelAsync();
        await Task.WhenAll(callers);
    }

    [TestMethod]
    public async Task A_broken_replacement_is_told_and_leaves_the_model_of_before_until_the_file_is_whole_again()
    {
        var (first, second) = (NewModel("first"), NewModel("second"));
        var path = Path.Combine(ImageSamples.NewFolder(), "served.zip");
        File.Copy(first, path);
        await using var application = Application(services => services.AddResNet(path, options => options.ReloadInterval = null));
        await application.StartAsync();
        var service = application.Services.GetRequiredService<ResNetService>();

        File.WriteAllText(path, "no model");
        Assert.IsFalse(service.Reload() || service.Reload() || service.Reload());
        var health = (await HealthAsync(application)).Entries["resnet"];
        Assert.AreEqual(HealthStatus.Degraded, health.Status);
        StringAssert.Contains(health.Description, path);
        Assert.IsTrue((await service.PredictAsync(TestService.Picture(1))).IsReadable);

        File.Delete(path);
        Assert.IsFalse(service.Reload() || service.Reload());
        StringAssert.Contains(service.ReloadProblem, "no file");

        Replace(path, second, 1);
        Assert.IsTrue(service.Reload() | service.Reload());
        Assert.AreEqual(HealthStatus.Healthy, (await HealthAsync(application)).Status);
        Assert.AreEqual("cifar-14", service.Model.Architecture.Name);
    }

    [TestMethod]
    public async Task A_host_notices_by_itself_that_the_file_has_changed()
    {
        var path = Path.Combine(ImageSamples.NewFolder(), "served.zip");
        File.Copy(NewModel("first"), path);
        await using var application = Application(services =>
            services.AddResNet(path, options => options.ReloadInterval = TimeSpan.FromMilliseconds(20)));
        await application.StartAsync();
        var service = application.Services.GetRequiredService<ResNetService>();

        Replace(path, NewModel("second"), 1);
        for (var tries = 0; service.Model.Architecture.Name != "cifar-14" && tries < 1000; tries++)
            await Task.Delay(20);

        Assert.AreEqual("cifar-14", service.Model.Architecture.Name);
    }

    [TestMethod]
    public async Task Calls_pictures_and_problems_are_counted_timed_and_traced()
    {
        var name = $"model-{Guid.NewGuid()}";
        var (counts, durations, activities) = (new Dictionary<string, long>(), new List<double>(), new List<Activity>());
        using var meters = new MeterListener { InstrumentPublished = (instrument, listener) => Listen(instrument, listener) };
        meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Count(instrument.Name, value, tags));
        meters.SetMeasurementEventCallback<double>((_, value, tags, _) => Time(value, tags));
        meters.Start();
        using var traces = new ActivityListener
        {
            ShouldListenTo = source => source.Name == ResNetInstrumentation.ActivitySourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                if (name.Equals(activity.GetTagItem("resnet.model")))
                    activities.Add(activity);
            },
        };
        ActivitySource.AddActivityListener(traces);
        using var service = new ResNetService(name, NewModel("first"));

        await service.PredictAsync(TestService.Picture(1));
        await service.PredictAsync(TestService.Picture(2));
        await service.PredictAsync(Array.Empty<byte>());
        await Assert.ThrowsAsync<OperationCanceledException>(() => service.PredictAsync(TestService.Picture(3), null, new(canceled: true)));

        Assert.AreEqual((4L, 2L, 1L), (counts["resnet.requests"], counts["resnet.images"], counts["resnet.unreadable"]));
        Assert.HasCount(3, durations);
        Assert.IsTrue(durations.TrueForAll(seconds => seconds is > 0 and < 600));
        Assert.HasCount(4, activities);
        Assert.AreEqual("Empty", activities[2].GetTagItem("error.type"));
        Assert.AreEqual(ActivityStatusCode.Error, activities[3].Status);

        static void Listen(Instrument instrument, MeterListener listener)
        {
            if (instrument.Meter.Name == ResNetInstrumentation.MeterName)
                listener.EnableMeasurementEvents(instrument);
        }
        void Count(string instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (IsOurs(tags))
                counts[instrument] = counts.GetValueOrDefault(instrument) + value;
        }
        void Time(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (IsOurs(tags))
                durations.Add(value);
        }
        bool IsOurs(ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            foreach (var tag in tags)
                if (tag.Key == "resnet.model" && name.Equals(tag.Value))
                    return true;
            return false;
        }
    }

    [TestMethod]
    public async Task A_stream_is_read_to_the_limit_and_no_further()
    {
        using var service = new ResNetService("limited", NewModel("first"), new() { Limits = new() { MaximumBytes = 100_000 } });
        using var endless = new EndlessStream();

        var prediction = await service.PredictAsync(endless);

        Assert.AreEqual(ImageProblemKind.TooManyBytes, prediction.ProblemKind);
        Assert.AreEqual(100_001, endless.Read);
    }

    [TestMethod]
    public async Task Options_out_of_range_are_refused_and_a_disposed_service_says_so()
    {
        var path = NewModel("first");
        var services = new ServiceCollection();
        Assert.ThrowsExactly<ArgumentException>(() => services.AddResNet(""));
        Assert.ThrowsExactly<ArgumentException>(() => services.AddResNet(path, options => options.MaximumConcurrency = 0));
        Assert.ThrowsExactly<ArgumentException>(() => services.AddResNet(path, options => options.ReloadInterval = TimeSpan.Zero));
        var service = new ResNetService("gone", path);

        service.Dispose();
        service.Dispose();

        Assert.IsFalse(service.Reload());
        await Assert.ThrowsExactlyAsync<ObjectDisposedException>(() => service.PredictAsync(TestService.Picture(1)));
    }

    private static string NewModel(string name) => TestService.SaveModel(Path.Combine(ImageSamples.NewFolder(), $"{name}.zip"));

    private static WebApplication Application(Action<IServiceCollection> register)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Services.AddRouting();
        builder.Services.AddSingleton<Microsoft.AspNetCore.Hosting.Server.IServer, NoServer>();
        register(builder.Services);
        return builder.Build();
    }

    private static Task<HealthReport> HealthAsync(IHost application)
        => application.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();

    // As a deployment does: beside it, then in its place; with a time of its own, however coarse the clock of the file system is.
    private static void Replace(string path, string content, int seconds)
    {
        File.Copy(content, path + ".new", overwrite: true);
        File.SetLastWriteTimeUtc(path + ".new", DateTime.UtcNow.AddSeconds(seconds));
        File.Move(path + ".new", path, overwrite: true);
    }

    private static void Same(ImagePrediction expected, ImagePrediction actual)
        => CollectionAssert.AreEqual(expected.Top.Select(one => (one.Name, one.Probability)).ToArray(),
            actual.Top.Select(one => (one.Name, one.Probability)).ToArray());

    private sealed class NoServer : Microsoft.AspNetCore.Hosting.Server.IServer
    {
        public Microsoft.AspNetCore.Http.Features.IFeatureCollection Features { get; }
            = new Microsoft.AspNetCore.Http.Features.FeatureCollection();

        public void Dispose()
        {
        }

        public Task StartAsync<TContext>(Microsoft.AspNetCore.Hosting.Server.IHttpApplication<TContext> application,
            CancellationToken cancellationToken) where TContext : notnull => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class EndlessStream : MemoryStream
    {
        public new long Read { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Read += buffer.Length;
            return new(buffer.Length);
        }
    }
}
