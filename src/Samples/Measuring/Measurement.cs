using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.ML;

namespace Samples.Measuring;

/// <summary>What a model achieves on some images.</summary>
/// <param name="Tally">What was counted.</param>
/// <param name="ImagesPerSecond">
/// Images read, decoded and scored in a second; <see langword="null"/> where processes have shared them, each at its time.
/// </param>
internal sealed record Measurement(Tally Tally, double? ImagesPerSecond)
{
    /// <summary>Scores images and compares the predicted classes with their labels.</summary>
    /// <param name="model">
    /// The whole chain. It turns labels into keys in the order that it was trained with; keys in another order would be compared with the
    /// wrong scores.
    /// </param>
    /// <param name="images">Images with their class as text.</param>
    /// <param name="cancellation">Stops before the next image.</param>
    /// <exception cref="InvalidDataException">The model knows none of the images' classes.</exception>
    public static Measurement Of(ITransformer model, IDataView images, CancellationToken cancellation)
        => OfPart(model, images, cancellation).Checked();

    /// <summary>The same of a part of the images, where there may be nothing to evaluate.</summary>
    /// <inheritdoc cref="Of"/>
    public static Measurement OfPart(ITransformer model, IDataView images, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var classes = model.FindResNet()?.Model.ClassNames.Count
            ?? throw new InvalidDataException("Expected a model with a residual network, found one without.");
        var tally = Tally.Of(model.Transform(images), classes, cancellation);
        return new(tally, (tally.Images + tally.LeftOut) / clock.Elapsed.TotalSeconds);
    }

    /// <summary>Itself, if there are figures.</summary>
    /// <exception cref="InvalidDataException">The model knows none of the images' classes.</exception>
    public Measurement Checked() => Tally.Images > 0
        ? this
        : throw new InvalidDataException("There is nothing to evaluate: expected images of the classes that the model knows, found none.");

    /// <summary>Adds the figures to what <c>--json</c> prints.</summary>
    public void AddTo(JsonObject result)
    {
        result["microAccuracy"] = Tally.MicroAccuracy;
        result["macroAccuracy"] = Tally.MacroAccuracy;
        result["logLoss"] = Tally.LogLoss;
        result["top3Accuracy"] = Tally.TopKAccuracy;
        result["images"] = Tally.Images;
        result["leftOut"] = Tally.LeftOut;
        if (ImagesPerSecond is { } speed)
            result["imagesPerSecond"] = Math.Round(speed, 1);
        result["calibrationError"] = Tally.CalibrationError;
    }
}
