using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Images.Columns;
using Microsoft.ML.ResNet.Images.Views;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet;

/// <content>What is read before anything is learnt, what of it is held out, and whether there are classes to tell apart.</content>
public sealed partial class ResNetTrainer
{
    private LabeledImageSet Read(IChannel channel, IDataView data, LabeledImageColumns columns, ImageRequest request,
        ImageMemory memory, string what)
    {
        if (columns.Images.Shape is { } found && request.Shape is { } needed && found != needed)
            throw _host.ExceptParam(nameof(data), $"The {what} images are {found}; expected {needed}, as the training images are.");
        var set = LabeledImageSet.Read(data, columns, request, memory, CheckAlive, out var leftOut, Processes);
        foreach (var reason in leftOut.Describe())
            channel.Warning($"Left out of the {what} rows: {reason}");
        if (set?.LackOfContrast is { } warning)
            channel.Warning(warning);
        if (set is { Store.BytesInMemory: null })
            channel.Info(
                $"The {set.Store.Count} {what} images need more memory than ImageMemoryBudgetMiB leaves them "
                + $"({memory.Budget / ImageMemory.MiB} MiB); they are read from a temporary file in '{memory.Folder}'.");
        return set ?? throw _host.Except(
            $"No valid {what} instances found. {string.Join(" ", leftOut.Describe().DefaultIfEmpty("The data has no rows."))}");
    }

    // Where images come from a folder that was loaded decoded, its geometry is what scoring has to repeat.
    private ImageGeometry Geometry(DataViewSchema.Column images)
        => _options.ImageGeometry ?? LabeledImageView.GeometryOf(images) ?? _options.InitialModel?.ImageGeometry ?? ImageGeometry.Fill;

    // Pictures of any size become what the initial model takes.
    private ImageShape? InitialShape(ImageColumnKind images)
        => images.HoldsPictures && _options.InitialModel?.ImageShape is { } shape
            ? new ImageShape(_options.ImageChannels ?? (shape.Channels is 1 or 3 ? shape.Channels : 3),
                _options.ImageHeight ?? shape.Height, _options.ImageWidth ?? shape.Width)
            : null;

    private ValidationSplit HoldOut(IChannel channel, LabeledImageSet set, double fraction, int seed)
    {
        var split = ValidationSplit.Of(set, fraction, seed)
            ?? throw _host.Except(
                string.Create(CultureInfo.InvariantCulture,
                $"ValidationSetFraction is {fraction}, but no class has two rows, of which one could be held out. Give a ValidationSet, or "
                + $"leave both unset."));
        channel.Info(
            $"Held out {split.Validation.Store.Count} of {set.Store.Count} images to choose the best epoch by; {split.Train.Store.Count} "
            + "are left to learn from.");
        return split;
    }

    private LabeledImageColumns ValidationColumns(IDataView validation, ClassLabels classes)
    {
        if (validation.Schema.GetColumnOrNull(_options.LabelColumnName)?.Type is { } type and not KeyDataViewType)
            throw _host.ExceptParam(nameof(validation),
                $"The label column '{_options.LabelColumnName}' of the validation set is {type}; expected keys. Transform it with the "
                + "MapValueToKey that was fitted for the training set.");
        var columns = _options.TrainingColumns.Find(_host, validation.Schema);
        var found = ClassKeys.Of(columns.Label);
        return found.Count == classes.Count && found.Names.SequenceEqual(classes.Names)
            ? columns
            : throw _host.ExceptParam(nameof(validation),
                $"The keys of the validation set's '{_options.LabelColumnName}' do not stand for the classes of the training set: "
                + $"{classes.Difference(found)}. Map both sets with one fitted MapValueToKey.");
    }

    private void CheckClasses(IChannel channel, IReadOnlyList<int> rowsPerClass, ClassLabels classes)
    {
        var absent = rowsPerClass.Select((rows, index) => (rows, index)).Where(c => c.rows == 0)
            .Select(c => $"'{classes.Names[c.index]}'").ToList();
        if (absent.Count > rowsPerClass.Count - 2)
            throw _host.Except(_options.TrainingColumns.OneClass());
        if (absent.Count > 0)
            channel.Warning(
                $"{absent.Count} of {classes.Count} classes have no training rows and will hardly be predicted: "
                + $"{string.Join(", ", absent.Take(5))}{(absent.Count > 5 ? ", ..." : "")}.");
    }
}
