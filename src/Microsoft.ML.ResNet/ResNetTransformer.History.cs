using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Reporting;

namespace Microsoft.ML.ResNet;

/// <content>How the network was trained.</content>
public sealed partial class ResNetTransformer
{
    /// <summary>
    /// The reports of the epochs, in order, those of before a resume included; a model file keeps the newest 10,000. Empty for weights that
    /// were imported and for models that an older version saved.
    /// </summary>
    public IReadOnlyList<EpochReport> TrainingHistory => _network.History;

    /// <summary>
    /// The number of the epoch whose weights the model has, the first being 1: the best on the validation set, or the last.
    /// <see langword="null"/> where <see cref="TrainingHistory"/> is empty.
    /// </summary>
    public int? KeptEpoch => _network.KeptEpoch;

    /// <summary>
    /// The training history as data: a row for each epoch, and columns named like the members of <see cref="EpochReport"/>.
    /// </summary>
    /// <returns>
    /// <c>Epoch</c> and <c>NumberOfEpochs</c> are <see cref="int"/>, all others <see cref="double"/>: NaN where there was no validation
    /// set, times in seconds.
    /// </returns>
    public IDataView GetTrainingHistory()
    {
        var rows = new ArrayDataViewBuilder(Host);
        rows.AddColumn(nameof(EpochReport.Epoch), NumberDataViewType.Int32, TrainingHistory.Select(report => report.Epoch).ToArray());
        rows.AddColumn(nameof(EpochReport.NumberOfEpochs), NumberDataViewType.Int32, TrainingHistory.Select(report => report.NumberOfEpochs)
            .ToArray());
        foreach (var (name, value) in HistoryTable.Figures)
            rows.AddColumn(name, NumberDataViewType.Double, TrainingHistory.Select(report => value(report) ?? double.NaN).ToArray());
        return rows.GetDataView();
    }
}
