using System.Text.Json;
using Microsoft.ML.ResNet.Reports.Pages;
using Microsoft.ML.ResNet.Reports.Sampling;

namespace Microsoft.ML.ResNet.Reports.Report;

/// <summary>Makes a report: measures, reads the pictures to show, and fills the page.</summary>
/// <param name="model">The network, or a pipeline with it.</param>
/// <param name="network">The network.</param>
/// <param name="options">What else to tell.</param>
internal sealed class ReportWriter(ITransformer model, ResNetTransformer network, ResNetReportOptions options)
{
    private const int BatchSize = 32;
    private const int MostBytes = 4_990_000; // so that it has up to 5 MB

    private IReadOnlyList<string> Classes => network.Model.ClassNames;

    /// <summary>Makes the report of some data.</summary>
    public ResNetReportSummary Write(IDataView data, string path)
    {
        var scored = new ScoredData(model, network, data, options.LabelColumnName, options.CancellationToken);
        var outcomes = scored.ReadOutcomes();
        if (outcomes.Count == 0)
            throw new InvalidDataException($"There is nothing to report: expected images of the classes that the model knows, found none; "
                + $"{scored.UnknownClasses} are of other classes, and {scored.Unreadable} cannot be read.");
        var measures = new Measures(outcomes, Classes);
        var choice = new PictureChoice(outcomes, options.Seed);
        var pictures = new ReportPictures(choice, options.ThumbnailSide);
        pictures.Read(scored, network);
        var epochs = Epochs();
        var title = options.Title ?? $"{network.Model.Architecture.Name}, {Classes.Count} classes";
        var page = new Page("report.html", title)
        {
            Markup = new Dictionary<string, string>
            {
                ["plots"] = epochs.Count == 0
                    ? ""
                    : Figures(ReportPlots.Loss(epochs), ReportPlots.Accuracy(epochs), ReportPlots.Rate(epochs)),
                ["reliability"] = Figures(ReportPlots.Reliability(measures.Calibration)),
            },
        };
        var contents = Data(scored, outcomes, measures, choice, pictures, epochs);
        pictures.KeepThumbnails(MostBytes - page.Length - JsonSerializer.SerializeToUtf8Bytes(contents, ReportFormat.Type).Length);
        page.Write(path, WithThumbnails(contents, [.. choice.Listed.Select(pictures.ThumbnailOf)]), ReportFormat.Type);
        return new(measures, scored, contents.BatchProblem);
    }

    private static ReportData WithThumbnails(ReportData data, byte[]?[] thumbnails) => data with
    {
        Rows = data.Rows with { Thumbnails = thumbnails },
        Looks = [.. data.Looks.Where(look => thumbnails[look.Row] is not null)],
    };

    private static string Figures(params IEnumerable<string> plots)
        => string.Concat(plots.Select(plot => $"<figure class=\"plot\">{plot}</figure>"));

    // All but the thumbnails, which get the room that is left.
    private ReportData Data(ScoredData scored, List<Outcome> outcomes, Measures measures, PictureChoice choice, ReportPictures pictures,
        IReadOnlyList<ReportEpoch> epochs)
    {
        var places = choice.Listed.Index().ToDictionary(one => one.Item.Row, one => one.Index);
        var (batch, batchProblem) = TryBatch();
        return new()
        {
            Facts = [.. Facts()],
            Classes = Classes,
            Figures = new(measures.Images, measures.Right, measures.Accuracy, measures.AccuracyInterval.Low, measures.AccuracyInterval.High,
                measures.MacroAccuracy, measures.TopAccuracy, measures.LogLoss, measures.Calibration.ExpectedError,
                measures.MostFrequent.Name, measures.TrivialAccuracy, measures.TrivialLogLoss, scored.UnknownClasses, scored.Unreadable),
            ClassCounts = [.. measures.Classes.Select(one => new[] { one.Support, one.Predicted, one.Right })],
            Cells = ConfusionCells.Of(outcomes),
            Rows = new([.. choice.Listed.Select(pictures.NameOf)], [.. choice.Listed.Select(one => one.Label)],
                [.. choice.Listed.Select(one => one.Predicted)], [.. choice.Listed.Select(one => Rounded(one.Confidence))],
                [.. choice.Listed.Select(one => Rounded(one.LabelProbability))], new byte[]?[choice.Listed.Count]),
            SurestMistakes = [.. choice.SurestMistakes.Select(one => places[one.Row])],
            LeastCertain = [.. choice.LeastCertain.Select(one => places[one.Row])],
            Looks = [.. pictures.Looks.Select(look => new ReportLook(places[look.Outcome.Row], [.. look.Maps.Select(Quantized)]))],
            Bins = measures.Calibration.Bins,
            Epochs = epochs,
            Batch = batch,
            BatchAugmentation = options.Recipe is { } recipe ? Augmentation(recipe) : "",
            BatchProblem = batchProblem,
            Findings = options.DataCheck is { } check ? [.. check.Kinds.Where(kind => kind.Count > 0)] : null,
            FindingsProblem = options.DataCheckProblem,
            Command = options.Command,
            Reproduction = [.. Reproduction()],
        };
    }

    private IEnumerable<string[]> Facts()
    {
        foreach (var (term, value) in options.Facts)
            yield return [term, value];
        var parameters = network.Model;
        yield return ["Network", FormattableString.Invariant($"{parameters.Architecture.Name}, {parameters.ParameterCount:n0} parameters")];
        yield return ["Images", $"{parameters.ImageShape}, {parameters.ImageGeometry}"
            + (parameters.TestTimeFlip ? "; scores are the mean over an image and its mirror image" : "")];
        if (options.Recipe is { } recipe)
            yield return ["Recipe", $"{recipe}"];
    }

    private IEnumerable<string[]> Reproduction()
    {
        foreach (var (term, value) in options.Reproduction)
            yield return [term, value];
        yield return ["Library", $"{typeof(ResNetTransformer).Assembly.GetName().Name} "
            + $"{typeof(ResNetTransformer).Assembly.GetName().Version?.ToString(3)}"];
        yield return ["ML.NET", $"{typeof(MLContext).Assembly.GetName().Version?.ToString(3)}"];
        yield return ["TorchSharp", $"{typeof(TorchSharp.torch).Assembly.GetName().Version?.ToString(3)}"];
        yield return ["System", $"{System.Runtime.InteropServices.RuntimeInformation.FrameworkDescription} on "
            + $"{System.Runtime.InteropServices.RuntimeInformation.OSDescription}, {Environment.ProcessorCount} processors"];
        yield return ["Report written", FormattableString.Invariant($"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC")];
    }

    private IReadOnlyList<ReportEpoch> Epochs()
    {
        var stages = options.Stages ?? [KeyValuePair.Create("", network.TrainingHistory)];
        var kept = options.KeptStage ?? (stages.Count > 0 ? stages[^1].Key : "");
        return [.. stages.SelectMany(stage => stage.Value.Select(report => new ReportEpoch(stage.Key, report.Epoch, report.LearningRate,
            report.TrainLoss, report.TrainAccuracy, report.ValidationLoss, report.ValidationAccuracy,
            stage.Key == kept && report.Epoch == network.KeptEpoch)))];
    }

    // It is a part that a report can do without.
    private (IReadOnlyList<ReportBatchPicture> Batch, string? Problem) TryBatch()
    {
        try
        {
            return ([.. Batch()], null);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return ([], exception.Message.ReplaceLineEndings(" "));
        }
    }

    private IEnumerable<ReportBatchPicture> Batch()
    {
        if (options.TrainingData is not { } data || options.Recipe is not { } recipe)
            return [];
        var parameters = network.Model;
        var pictures = new AugmentedBatch(parameters.ImageShape, parameters.ImageGeometry, recipe.Augmentation, recipe.Mix,
            parameters.Network.Normalization)
        {
            Layout = network.Columns.Layout,
            Order = network.Columns.Order,
            Range = network.Columns.Range,
        }.Draw(data, network.FeatureColumnName, options.LabelColumnName, BatchSize, options.Seed, options.CancellationToken);
        return pictures.Select(picture => new ReportBatchPicture(picture.Label,
            Thumbnail.Create(picture.Pixels.Span, parameters.ImageShape, options.ThumbnailSide)));
    }

    private string Augmentation(TrainingRecipe recipe)
        => $"{recipe.Augmentation.For(network.Model.ImageShape)}{(recipe.Mix is { } mix ? $", then {mix}" : "")}";

    private static ReportMap Quantized(ActivationMap map)
    {
        var reach = 1e-6f;
        foreach (var value in map.Values.Span)
            reach = Math.Max(reach, Math.Abs(value));
        var values = new byte[map.Values.Length];
        for (var place = 0; place < values.Length; place++)
            values[place] = (byte)(128 + Math.Round(127 * map.Values.Span[place] / reach));
        return new(map.ClassIndex, map.Height, map.Width, Math.Round(reach, 3), values);
    }

    private static double Rounded(float probability) => Math.Round(probability, 4);
}
