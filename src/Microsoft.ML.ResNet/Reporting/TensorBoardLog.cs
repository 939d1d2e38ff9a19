using System.Net.Sockets;
using TorchSharp;
using TorchSharp.Modules;

namespace Microsoft.ML.ResNet.Reporting;

/// <summary>
/// The figures of every epoch as scalars for TensorBoard: <c>loss/train</c>, <c>accuracy/train</c>, <c>loss/validation</c>,
/// <c>accuracy/validation</c>,
/// <c>learning_rate</c>, <c>images_per_second</c>; the step is the epoch's number.
/// </summary>
/// <param name="folder">
/// Where the event file goes; made when the first epoch ends. TensorBoard reads all files of a folder as one run.
/// </param>
internal sealed class TensorBoardLog(string folder)
{
    private SummaryWriter? _writer;

    /// <summary>Adds an epoch. Its figures are on the disk when this returns.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public void Add(EpochReport report)
    {
        try
        {
            _writer ??= torch.utils.tensorboard.SummaryWriter(folder);
        }
        catch (SocketException e) // the machine, of which the file's name has the name, does not know it
        {
            throw new IOException(e.Message, e);
        }
        foreach (var (tag, value) in Scalars(report))
            if (value is { } known)
                _writer.add_scalar(tag, (float)known, report.Epoch);
    }

    private static IEnumerable<(string Tag, double? Value)> Scalars(EpochReport report) =>
    [
        ("loss/train", report.TrainLoss),
        ("accuracy/train", report.TrainAccuracy),
        ("loss/validation", report.ValidationLoss),
        ("accuracy/validation", report.ValidationAccuracy),
        ("learning_rate", report.LearningRate),
        ("images_per_second", report.ImagesPerSecond),
    ];
}
