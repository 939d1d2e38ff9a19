using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Tests.Persistence;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests;

/// <summary>A model remembers how it was trained.</summary>
[TestClass]
public class TrainingHistoryTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly List<EpochReport> _reports = [];
    private readonly string _folder = Path.Combine(TestAssembly.TemporaryFolder, $"history-{Guid.NewGuid():n}");

    [TestMethod]
    public void The_history_is_what_the_callback_received_and_survives_the_file()
    {
        using var model = Fit(epochs: 3, validation: Data(30, seed: 3));
        AssertSame(_reports, model.TrainingHistory);

        using var loaded = SaveAndLoad(model);

        AssertSame(_reports, loaded.TrainingHistory);
        Assert.AreEqual(model.KeptEpoch, loaded.KeptEpoch);
    }

    [TestMethod]
    public void The_kept_epoch_is_the_best_on_the_validation_set_and_else_the_last()
    {
        using (var best = Fit(epochs: 4, validation: Data(30, seed: 3)))
            Assert.AreEqual(_reports.OrderByDescending(report => report.ValidationAccuracy).ThenBy(report => report.ValidationLoss)
                .First().Epoch, best.KeptEpoch);

        _reports.Clear();
        using var last = Fit(epochs: 2);
        Assert.AreEqual(2, last.KeptEpoch);
    }

    [TestMethod]
    public void A_resumed_training_has_the_history_of_all_epochs_and_the_best_of_all()
    {
        Assert.ThrowsExactly<OperationCanceledException>(() => Fit(epochs: 4, stopAfter: 2, change: Configure));
        using var model = Fit(epochs: 4, change: Configure);

        AssertSame(_reports, model.TrainingHistory);
        CollectionAssert.AreEqual(new[] { 1, 2, 3, 4 }, _reports.Select(report => report.Epoch).ToArray());
        Assert.AreEqual(_reports.OrderByDescending(report => report.ValidationAccuracy).ThenBy(report => report.ValidationLoss)
            .First().Epoch, model.KeptEpoch);
        AssertIsHistory(Path.Combine(_folder, "history.csv"), epochs: 4);
        Assert.AreEqual(4, EventFiles().Sum(scalars => scalars.Count(scalar => scalar.Tag == "loss/validation")),
            "each epoch once, in two files");

        File.Delete(Path.Combine(_folder, "history.csv"));
        Fit(epochs: 4, change: Configure).Dispose(); // no epoch is left
        AssertIsHistory(Path.Combine(_folder, "history.csv"), epochs: 4);

        void Configure(ResNetTrainer.Options options)
        {
            options.ValidationSet = Keyed(Data(30, seed: 3));
            (options.CheckpointDirectory, options.Resume) = (Path.Combine(_folder, "checkpoints"), true);
            (options.HistoryFile, options.TensorBoardDirectory) = (Path.Combine(_folder, "history.csv"),
                Path.Combine(_folder, "tensorboard"));
        }
    }

    [TestMethod]
    public void As_data_it_has_a_row_for_each_epoch_and_a_column_for_each_member()
    {
        using var model = Fit(epochs: 2);
        var view = model.GetTrainingHistoryAsDataView();

        CollectionAssert.AreEqual(typeof(EpochReport).GetProperties().Select(property => property.Name).Order(StringComparer.Ordinal)
            .ToArray(), view.Schema.Select(column => column.Name).Order(StringComparer.Ordinal).ToArray());
        Assert.IsTrue(
            view.Schema.All(
            column => column.Type == (column.Name is "Epoch" or "NumberOfEpochs" ? NumberDataViewType.Int32 : NumberDataViewType.Double)));
        CollectionAssert.AreEqual(new[] { 1, 2 }, view.GetColumn<int>("Epoch").ToArray());
        CollectionAssert.AreEqual(new[] { 2, 2 }, view.GetColumn<int>("NumberOfEpochs").ToArray());
        CollectionAssert.AreEqual(_reports.Select(report => report.TrainLoss).ToArray(), view.GetColumn<double>("TrainLoss").ToArray());
        CollectionAssert.AreEqual(_reports.Select(report => report.Elapsed.TotalSeconds).ToArray(), view.GetColumn<double>("Elapsed")
            .ToArray());
        Assert.IsTrue(view.GetColumn<double>("ValidationLoss").All(double.IsNaN));
    }

    [TestMethod]
    public void Weights_that_were_not_trained_here_and_models_of_before_have_none()
    {
        using var imported = new ResNetTransformer(_ml, SavedModel.Create(), SavedModel.Columns);
        using var loaded = SaveAndLoad(imported);
        using var old =
            ((TransformerChain<ITransformer>)_ml.Model.Load(Path.Combine(AppContext.BaseDirectory, "Golden", "models", "format-1.zip"),
            out _)).OfType<ResNetTransformer>().Single();

        foreach (var model in new[] { imported, loaded, old })
        {
            Assert.IsEmpty(model.TrainingHistory);
            Assert.IsNull(model.KeptEpoch);
            Assert.AreEqual(0, model.GetTrainingHistoryAsDataView().GetRowCount());
            Assert.IsEmpty(model.GetTrainingHistoryAsDataView().GetColumn<double>("TrainLoss"));
        }
    }

    [TestMethod]
    public void The_history_cannot_be_changed_from_outside()
    {
        using var model = Fit(epochs: 1);
        Assert.ThrowsExactly<NotSupportedException>(() => ((IList<EpochReport>)model.TrainingHistory)[0] = null!);
    }

    [TestMethod]
    public void Files_that_cannot_be_written_are_one_warning_each_and_training_goes_on()
    {
        Directory.CreateDirectory(_folder);
        var taken = Path.Combine(_folder, "taken");
        File.WriteAllText(taken, "a file where the folder should be");
        var warnings = new List<string>();
        _ml.Log += (_, e) =>
        {
            if (e.Kind == Runtime.ChannelMessageKind.Warning)
                warnings.Add(e.RawMessage);
        };

        Fit(epochs: 3, change: options => (options.HistoryFile, options.TensorBoardDirectory) = (Path.Combine(taken, "history.csv"), taken))
            .Dispose();

        Assert.HasCount(3, _reports);
        Assert.HasCount(2, warnings);
        foreach (var option in new[] { "HistoryFile", "TensorBoardDirectory" })
            Assert.ContainsSingle(
                warnings.Where(
                warning => warning.StartsWith($"{option} could not be written to; training goes on", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void Paths_that_are_none_are_named_at_construction()
    {
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => _ml.MulticlassClassification.Trainers.ResNet(
            new ResNetTrainer.Options { HistoryFile = " ", TensorBoardDirectory = "a\0b" }));
        StringAssert.Contains(error.Message, "HistoryFile is empty");
        StringAssert.Contains(error.Message, "TensorBoardDirectory is empty or has characters");
    }

    private ResNetTransformer Fit(int epochs, IDataView? validation = null, int? stopAfter = null,
        Action<ResNetTrainer.Options>? change = null)
    {
        using var source = new CancellationTokenSource();
        var options = TinyImages.Options(epochs);
        options.CancellationToken = source.Token;
        options.MetricsCallback = report =>
        {
            _reports.Add(report);
            if (report.Epoch == stopAfter)
                source.Cancel();
        };
        change?.Invoke(options);
        var trainer = _ml.MulticlassClassification.Trainers.ResNet(options);
        return validation is null ? trainer.Fit(Keyed(Data(61))) : trainer.Fit(Keyed(Data(61)), Keyed(validation));
    }

    private IDataView Data(int rows, int seed = 1) => TinyImages.View(_ml, rows, seed);

    private IDataView Keyed(IDataView data) => _ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);

    private ResNetTransformer SaveAndLoad(ResNetTransformer model)
    {
        using var file = new MemoryStream();
        _ml.Model.Save(model, Data(1).Schema, file);
        file.Position = 0;
        return (ResNetTransformer)_ml.Model.LoadResNet(file, out _);
    }

    private static void AssertSame(IEnumerable<EpochReport> expected, IEnumerable<EpochReport> actual)
        => CollectionAssert.AreEqual(expected.Select(ValueFingerprint.Describe).ToArray(),
            actual.Select(ValueFingerprint.Describe).ToArray());

    private void AssertIsHistory(string path, int epochs)
    {
        var lines = File.ReadAllLines(path);
        Assert.HasCount(epochs + 1, lines);
        CollectionAssert.AreEqual(_reports.Select(report => report.TrainLoss).ToArray(), lines.Skip(1)
            .Select(line => double.Parse(line.Split(',')[3], System.Globalization.CultureInfo.InvariantCulture)).ToArray());
    }

    private IEnumerable<IReadOnlyList<(string Tag, long Step, float Value)>> EventFiles()
        => Directory.GetFiles(Path.Combine(_folder, "tensorboard")).Select(EventFile.ReadScalars);
}
