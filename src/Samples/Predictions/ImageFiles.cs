using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace Samples.Predictions;

/// <summary>
/// Shows a model image files as they are, so that it decodes and resizes them as it did the images of training: a batch is decoded on all
/// cores and then scored on all cores. The scores are those of <c>evaluate</c> and of a <c>PredictionEngine</c>, bit for bit.
/// </summary>
/// <param name="mlContext">The environment of the model.</param>
/// <param name="model">The whole chain.</param>
internal sealed partial class ImageFiles(MLContext mlContext, ITransformer model)
{
    /// <summary>Predicts the class of each file, in their order, as they are asked for.</summary>
    /// <returns>For each file the prediction; or, if it cannot be read, why.</returns>
    public IEnumerable<(string File, Prediction? Prediction, string? Problem)> Predict(IReadOnlyList<string> files)
        => files.Zip(Score(files), (file, prediction) => prediction.IsKnown
            ? (file, prediction, (string?)null)
            : (file, (Prediction?)null, WhyNotRead(file)));

    private IEnumerable<Prediction> Score(IEnumerable<string> files)
        => mlContext.Data.CreateEnumerable<Prediction>(
            model.Transform(mlContext.Data.LoadFromEnumerable(files.Select(file => new EncodedImage(() => Read(file, out _))))),
            reuseRowObject: false);

    /// <summary>The bytes of a file; none, and a reason, if there are none to be had.</summary>
    private static byte[] Read(string file, out string? problem)
    {
        problem = null;
        try
        {
            var exists = File.Exists(file);
            if (exists && FileLength.Of(file) > 0)
                return File.ReadAllBytes(file);
            problem = exists ? "expected an image, found no bytes"
                : Directory.Exists(file) ? "expected images, found a folder without any"
                : "there is no such file";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            problem = exception.Message.TrimEnd('.');
        }
        return [];
    }

    /// <summary>Asks for one file again, and listens to the reason.</summary>
    private string WhyNotRead(string file)
    {
        _ = Read(file, out var problem);
        if (problem is not null)
            return problem;
        string? reason = null;
        mlContext.Log += Listen;
        _ = Score([file]).Count();
        mlContext.Log -= Listen;
        return reason ?? "expected probabilities, found that the network makes NaN of the picture";

        // The library logs what it cannot decode for a whole set of rows at once.
        void Listen(object? sender, LoggingEventArgs message)
        {
            if (message.Kind == ChannelMessageKind.Warning && ReasonOfFirstRow().Match(message.RawMessage) is { Success: true } match)
                reason = match.Value;
        }
    }

    [GeneratedRegex(@"(?<=\(row 0: ).*(?=\)\.$)")]
    private static partial Regex ReasonOfFirstRow();
}
