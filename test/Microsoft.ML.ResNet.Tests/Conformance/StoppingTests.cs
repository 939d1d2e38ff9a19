using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.Runtime;
using TorchSharp;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>Cancellation by the token and by the context stops before the next batch or row; the log tells what happened.</summary>
[TestClass]
public class StoppingTests
{
    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Training_stops_before_the_next_batch_and_frees_everything(bool byToken)
    {
        var ml = new MLContext(seed: 1);
        using var source = new CancellationTokenSource();
        var batches = new Batches(3, () => Cancel(ml, source, byToken));
        var trainer = ImageRows.Trainer(ml, epochs: 1000, change: options => Configure(options, source, batches));
        var data = ImageRows.View(ml, 160);
        var census = TensorCensus.Start();

        Assert.ThrowsExactly<OperationCanceledException>(() => trainer.Fit(data));

        Assert.AreEqual(3, batches.Count, "batches that began");
        census.AssertNoSurvivorsOfTraining(ResNetArchitecture.Cifar(8), networks: 1);
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Reading_stops_before_the_next_row(bool byToken)
    {
        var ml = new MLContext(seed: 1);
        using var source = new CancellationTokenSource();
        var rows = new CountingView(ml.Transforms.CopyColumns("Label", "Key").Fit(Endless()).Transform(Endless()));
        var trainer = ImageRows.Trainer(ml, change: options => options.CancellationToken = source.Token);

        Assert.ThrowsExactly<OperationCanceledException>(() => trainer.Fit(rows));

        Assert.IsLessThanOrEqualTo(6, rows.RowsRead);
        Assert.AreEqual(0, rows.CursorsOpen, "the cursor was disposed");

        IDataView Endless() => ml.Data.LoadFromEnumerable(Rows());

        IEnumerable<ImageRow> Rows()
        {
            var row = ImageRows.Create(1)[0];
            for (var count = 0; ; count++)
            {
                if (count == 5)
                    Cancel(ml, source, byToken);
                yield return row;
            }
        }
    }

    [TestMethod]
    public void A_token_cancelled_beforehand_stops_before_anything_is_read()
    {
        var ml = new MLContext(seed: 1);
        var trainer = ImageRows.Trainer(ml, change: options => options.CancellationToken = new CancellationToken(canceled: true));
        var data = new CountingView(ImageRows.View(ml, 9));
        Assert.ThrowsExactly<OperationCanceledException>(() => trainer.Fit(data));
        Assert.IsLessThanOrEqualTo(1, data.RowsRead);
    }

    [TestMethod]
    public void The_log_tells_device_images_recipe_and_every_epoch_under_the_trainers_name()
    {
        var ml = new MLContext(seed: 1);
        var log = new List<(string Source, ChannelMessageKind Kind, string Message)>();
        ml.Log += (_, e) => log.Add((e.Source, e.Kind, e.RawMessage));

        ImageRows.Trainer(ml, epochs: 2).Fit(ImageRows.View(ml, 9), ImageRows.View(ml, 6)).Dispose();

        var info = log.Where(entry => entry.Kind == ChannelMessageKind.Info
            && entry.Source.Contains(nameof(ResNetTrainer), StringComparison.Ordinal)).Select(entry => entry.Message).ToArray();
        Assert.HasCount(4, info);
        StringAssert.Contains(info[0], "batch normalisation is measured over the training images");
        foreach (var part in new[] { "on cpu", "seed 1", "9 images of 3x8x8", "3 classes", "2 epochs", "mean ",
            "SGD momentum 0.9 rate 0.05" })
            StringAssert.Contains(info[1], part);
        StringAssert.Contains(info[3], "Epoch 2/2: rate ");
        StringAssert.Contains(info[3], "validation loss ");
        Assert.IsFalse(log.Any(entry => entry.Kind is ChannelMessageKind.Warning or ChannelMessageKind.Error), "nothing to warn of");
        Assert.IsFalse(log.Any(entry => entry.Message.Contains("was not disposed", StringComparison.OrdinalIgnoreCase)),
            "channels are closed");
    }

    [TestMethod]
    public void The_progress_channel_carries_the_figures_of_every_epoch()
    {
        using var output = new StringWriter();
        var data = ImageRows.View(new MLContext(seed: 1), 9);
        var options = TinyImages.Options(epochs: 2);
        options.FeatureColumnName = nameof(ImageRow.Planar);
        // MLContext shows no progress
        var environment = new ConsoleEnvironment(seed: 1, verbose: true, outWriter: output, errWriter: output);
        new ResNetTrainer(environment, options).Fit(data, data).Dispose();
        environment.PrintProgress(); // as ML.NET's console does every other second
        foreach (var part in new[] { "train loss", "train accuracy", "validation loss", "validation accuracy", "2/2 epochs" })
            StringAssert.Contains(output.ToString(), part);
    }

    private static void Configure(ResNetTrainer.Options options, CancellationTokenSource source, Batches batches)
        => (options.CancellationToken, options.Recipe) = (source.Token, options.Recipe with { Augmentation = [batches] });

    private static void Cancel(MLContext ml, CancellationTokenSource source, bool byToken)
    {
        if (byToken)
            source.Cancel();
        else
            ml.CancelExecution();
    }

    /// <summary>Changes no image, but counts batches and acts at one of them.</summary>
    private sealed record Batches(int Last, Action AtLast) : ImageAugmentation
    {
        public int Count { get; private set; }

        internal override torch.Tensor Apply(torch.Tensor images, AugmentationContext context)
        {
            if (++Count == Last)
                AtLast();
            return images.clone();
        }

        internal override IEnumerable<string> Problems() => [];
    }
}
