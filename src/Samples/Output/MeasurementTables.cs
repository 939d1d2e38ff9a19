using Spectre.Console;

namespace Samples.Output;

/// <summary>Shows a <see cref="Measurement"/>.</summary>
internal static class MeasurementTables
{
    private const int WidestMatrix = 20; // classes; more columns fit on no screen

    /// <summary>Prints the figures over all images.</summary>
    public static void Show(this Display display, Measurement measured)
    {
        var metrics = measured.Metrics;
        display.Line($"micro accuracy  {metrics.MicroAccuracy:f4}   (of {measured.ImageCount} images)");
        display.Line($"macro accuracy  {metrics.MacroAccuracy:f4}   (mean over classes)");
        display.Line($"top-3 accuracy  {metrics.TopKAccuracy:f4}");
        display.Line($"log loss        {metrics.LogLoss:f4}   (nats)");
        display.Line($"images/s        {measured.ImagesPerSecond:f0}   (read, decode, score)");
        if (measured.LeftOut > 0)
            display.Line($"left out        {measured.LeftOut}   (images of classes that the model does not know)");
    }

    /// <summary>
    /// Prints how each class fares: its recall and, where it fits, the confusion matrix (rows are the truth, columns the prediction).
    /// </summary>
    public static void ShowClasses(this Display display, Measurement measured, IReadOnlyList<string> classNames)
    {
        var matrix = measured.Metrics.ConfusionMatrix;
        var withMatrix = classNames.Count <= WidestMatrix;
        var table = Display.NewTable(texts: ["class"],
            numbers: ["images", "recall", .. withMatrix ? classNames.Select((_, index) => $"{index + 1}") : []]);
        for (var actual = 0; actual < classNames.Count; actual++)
        {
            var counts = matrix.Counts[actual];
            var name = withMatrix ? $"{actual + 1} {classNames[actual]}" : classNames[actual];
            var recall = counts.Sum() > 0 ? $"{matrix.PerClassRecall[actual]:f3}" : "-";
            table.AddRow(
                [new Text(name), new Text($"{counts.Sum()}"), new Text(recall), .. withMatrix
                ? counts.Select(count => new Text($"{count}"))
                : []]);
        }
        display.Table(table);
    }
}
