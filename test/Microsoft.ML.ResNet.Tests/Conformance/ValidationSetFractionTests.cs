using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>A part of the training rows that is held out does what a validation set of the same rows does.</summary>
[TestClass]
public class ValidationSetFractionTests
{
    private const int Rows = 61, Seed = 1;

    [TestMethod]
    public void It_trains_as_if_the_two_parts_had_been_given_apart_to_the_last_bit()
    {
        var rows = ImageRows.Create(Rows);
        var (train, held) = StratifiedRows.Split([.. rows.Select(row => (long)row.Key)], 0.2, Seed);
        List<EpochReport> reports = [], expectedReports = [];

        using var model = Fit(rows, 0.2, reports: reports);
        using var expected = Trainer(fraction: null, reports: expectedReports).Fit(Keyed(Take(rows, train)), Keyed(Take(rows, held)));

        CollectionAssert.AreEqual(Weights(expected), Weights(model));
        Assert.AreEqual(expected.Model.Network.Normalization.ToString(), model.Model.Network.Normalization.ToString());
        CollectionAssert.AreEqual(expectedReports.ConvertAll(report => report.ValidationLoss),
            reports.ConvertAll(report => report.ValidationLoss));
        Assert.IsTrue(reports.TrueForAll(report => report.ValidationAccuracy is not null));
    }

    [TestMethod]
    public void Images_keep_their_class_and_their_weight_relative_to_others_of_their_part()
    {
        using var set = Read();
        var before = RowsOf(set.Store).ToDictionary(row => row.Pixels);

        using var split = ValidationSplit.Of(set, 0.3, Seed)!;

        var parts = new[] { RowsOf(split.Train.Store), RowsOf(split.Validation.Store) };
        CollectionAssert.AreEquivalent(before.Keys, parts.SelectMany(part => part).Select(row => row.Pixels).ToArray());
        Assert.IsTrue(parts.SelectMany(part => part).All(row => row.Label == before[row.Pixels].Label));
        foreach (var part in parts)
        {
            Assert.AreEqual(1, part.Average(row => row.Weight), 1e-5);
            var factors = part.ConvertAll(row => row.Weight / before[row.Pixels].Weight);
            Assert.AreEqual(factors.Min(), factors.Max(), 1e-5, "one factor for all rows of a part");
        }
        CollectionAssert.AreEqual(Enumerable.Range(0, 3).Select(label => parts[0].Count(row => row.Label == label))
            .ToArray(), split.Train.RowsPerClass.ToArray());
    }

    [TestMethod]
    public void The_log_says_how_many_were_held_out()
    {
        var log = new List<string>();
        Fit(ImageRows.Create(30), 0.1, log: log).Dispose();
        Assert.IsTrue(
            log.Exists(line => line.Contains("Held out 3 of 30 images to choose the best epoch by; 27 are left to learn from.",
            StringComparison.Ordinal)));
    }

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(1.0)]
    [DataRow(-0.5)]
    [DataRow(double.NaN)]
    public void A_part_that_is_none_is_named(double fraction)
    {
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Trainer(fraction));
        StringAssert.Contains(error.Message, "must lie between 0 and 1");
    }

    [TestMethod]
    public void A_part_and_a_set_exclude_one_another()
    {
        var set = Keyed(ImageRows.Create(9));
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => ImageRows.Trainer(new MLContext(),
            change: options => (options.ValidationSetFraction, options.ValidationSet) = (0.1, set)));
        StringAssert.Contains(error.Message, "ValidationSetFraction and ValidationSet are both set");
    }

    [TestMethod]
    public void A_set_given_to_Fit_wins()
    {
        var log = new List<string>();
        Trainer(0.5, log: log).Fit(Keyed(ImageRows.Create(9)), Keyed(ImageRows.Create(6, seed: 2))).Dispose();
        Assert.IsFalse(log.Exists(line => line.Contains("Held out", StringComparison.Ordinal)));
        Assert.IsTrue(log.Exists(line => line.Contains("9 images of", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void Classes_of_one_row_each_have_nothing_to_spare()
    {
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => Fit(ImageRows.Create(3), 0.5));
        StringAssert.Contains(error.Message, "no class has two rows");
    }

    [TestMethod]
    public void A_checkpoint_resumes_with_the_same_part_and_refuses_another()
    {
        var folder = Path.Combine(TestAssembly.TemporaryFolder, $"fraction-{Guid.NewGuid():n}");
        var rows = ImageRows.Create(Rows);
        using var uninterrupted = Fit(rows, 0.2);
        using var source = new CancellationTokenSource();
        Assert.ThrowsExactly<OperationCanceledException>(
            () => ImageRows.Trainer(new MLContext(Seed), epochs: 2,
            change: options =>
            (options.ValidationSetFraction, options.CheckpointDirectory, options.CancellationToken, options.MetricsCallback)
            = (0.2, folder, source.Token, _ => source.Cancel())).Fit(Keyed(rows)));

        var error = Assert.ThrowsExactly<InvalidOperationException>(() => Trainer(0.3, folder).Fit(Keyed(rows)));
        using var resumed = Trainer(0.2, folder).Fit(Keyed(rows));

        StringAssert.Contains(error.Message, "validation images");
        CollectionAssert.AreEqual(Weights(uninterrupted), Weights(resumed));
    }

    [TestMethod]
    public void Nothing_is_left_behind()
    {
        var rows = ImageRows.Create(30);
        Fit(rows, 0.2).Dispose(); // warms up whatever is made once for the process
        var census = TensorCensus.Start();
        Fit(rows, 0.2).Dispose();
        census.AssertNoSurvivorsOfTraining(ResNetArchitecture.Cifar(8), networks: 1);
    }

    private static ResNetTransformer Fit(List<ImageRow> rows, double fraction, List<EpochReport>? reports = null, List<string>? log = null)
        => Trainer(fraction, reports: reports, log: log).Fit(Keyed(rows));

    private static ResNetTrainer Trainer(double? fraction, string? folder = null, List<EpochReport>? reports = null,
        List<string>? log = null)
    {
        var ml = new MLContext(Seed);
        ml.Log += (_, e) => log?.Add(e.Message);
        return ImageRows.Trainer(ml, epochs: 2, change: options =>
        {
            (options.ValidationSetFraction, options.CheckpointDirectory, options.Resume) = (fraction, folder, folder is not null);
            options.MetricsCallback = report => reports?.Add(report);
        });
    }

    private static LabeledImageSet Read()
    {
        using var builder = new PixelStoreBuilder(TinyImages.Shape);
        var rowsPerClass = new int[3];
        foreach (var (row, index) in TinyImages.Rows(Rows).Select((row, index) => (row, index)))
        {
            row.Features.CopyTo(builder.NextImage);
            builder.Add(index % 3, index + 1);
            rowsPerClass[index % 3]++;
        }
        return new LabeledImageSet(builder.Build(), builder.Shape, builder.Measure(), rowsPerClass);
    }

    private static List<(string Pixels, long Label, double Weight)> RowsOf(PixelStore store)
    {
        var rows = new List<(string, long, double)>();
        for (var row = 0; row < store.Count; row++)
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            var batch = store.Slice(row, 1);
            rows.Add((Convert.ToHexString(batch.Pixels.bytes), batch.Labels.data<long>()[0], batch.Weights!.data<float>()[0]));
        }
        return rows;
    }

    private static List<ImageRow> Take(List<ImageRow> rows, long[] which) => [.. which.Select(row => rows[(int)row])];

    private static IDataView Keyed(List<ImageRow> rows) => ImageRows.View(new MLContext(seed: 1), rows, nameof(ImageRow.Key));

    private static byte[] Weights(ResNetTransformer model) => [.. model.Model.Network.Weights.SelectMany(tensor => tensor.Data.ToArray())];
}
