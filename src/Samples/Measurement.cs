using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Samples;

/// <summary>What a model achieves on some images.</summary>
/// <param name="Metrics">ML.NET's metrics.</param>
/// <param name="ImageCount">Images with a class that the model knows.</param>
/// <param name="LeftOut">Images of other classes, which no figure counts.</param>
/// <param name="ImagesPerSecond">Images read, decoded and scored in a second.</param>
internal sealed record Measurement(MulticlassClassificationMetrics Metrics, long ImageCount, long LeftOut, double ImagesPerSecond)
{
    private const int TopK = 3;

    /// <summary>Scores images and compares the predicted classes with their labels.</summary>
    /// <param name="mlContext">The environment.</param>
    /// <param name="model">
    /// The whole chain. It turns labels into keys in the order that it was trained with; keys in another order would be compared with the
    /// wrong scores.
    /// </param>
    /// <param name="images">Images with their class as text.</param>
    /// <param name="cancellation">Stops before the next image.</param>
    /// <exception cref="InvalidDataException">The model knows none of the images' classes.</exception>
    public static Measurement Of(MLContext mlContext, ITransformer model, IDataView images, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var metrics = mlContext.MulticlassClassification.Evaluate(model.Transform(Cancellable(mlContext, images, cancellation)),
            topKPredictionCount: TopK);
        var count = (long)metrics.ConfusionMatrix.Counts.Sum(row => row.Sum());
        var leftOut = (images.GetRowCount() ?? count) - count;
        return count > 0
            ? new(metrics, count, leftOut, (count + leftOut) / clock.Elapsed.TotalSeconds)
            : throw new InvalidDataException(
                "There is nothing to evaluate: expected images of the classes that the model knows, found none.");
    }

    /// <summary>The same rows. <c>Evaluate</c> takes no cancellation token, but a filter that keeps every row may look at one.</summary>
    private static IDataView Cancellable(MLContext mlContext, IDataView images, CancellationToken cancellation) =>
        mlContext.Data.FilterByCustomPredicate<LabelOnly>(images, _ =>
        {
            cancellation.ThrowIfCancellationRequested();
            return false;
        });

    /// <summary>Adds the figures to what <c>--json</c> prints.</summary>
    public void AddTo(JsonObject result)
    {
        result["microAccuracy"] = Metrics.MicroAccuracy;
        result["macroAccuracy"] = Metrics.MacroAccuracy;
        result["logLoss"] = Metrics.LogLoss;
        result["top3Accuracy"] = Metrics.TopKAccuracy;
        result["images"] = ImageCount;
        result["leftOut"] = LeftOut;
        result["imagesPerSecond"] = Math.Round(ImagesPerSecond, 1);
    }
}
