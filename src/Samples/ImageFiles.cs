using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace Samples;

/// <summary>
/// Shows a model image files as they are, so that it decodes and resizes them as it did the images of a folder in training.
/// </summary>
internal sealed partial class ImageFiles(MLContext mlContext, ITransformer model)
{
    /// <summary>Predicts the class of each file, in their order, as they are asked for.</summary>
    /// <returns>For each file the prediction; or, if it cannot be read, why.</returns>
    public IEnumerable<(Prediction? Prediction, string? Problem)> Predict(IReadOnlyList<string> files)
    {
        var problems = new string?[files.Count];
        var encoded = files.Select((file, index) => new EncodedImage { Features = Read(file, out problems[index]) });
        var index = 0;
        foreach (var prediction in Predict(encoded))
        {
            yield return prediction.IsKnown ? (prediction, null) : (null, problems[index] ?? WhyNotDecoded(files[index]));
            index++;
        }
    }

    private IEnumerable<Prediction> Predict(IEnumerable<EncodedImage> encoded)
        => mlContext.Data.CreateEnumerable<Prediction>(model.Transform(mlContext.Data.LoadFromEnumerable(encoded)), reuseRowObject: false);

    /// <summary>The bytes of a file; none, and a reason, if there are none to be had.</summary>
    private static byte[] Read(string file, out string? problem)
    {
        problem = null;
        try
        {
            var information = new FileInfo(file);
            if (information.Exists && information.Length > 0) // a pipe or a device has no length; reading one might never end
                return File.ReadAllBytes(file);
            problem = Directory.Exists(file) ? "expected an image, found a folder"
                : information.Exists ? "expected an image, found no bytes"
                : "there is no such file";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            problem = exception.Message.TrimEnd('.');
        }
        return [];
    }

    /// <summary>Asks for one file again and listens to the reason, which the library logs for a whole set of rows at once.</summary>
    private string WhyNotDecoded(string file)
    {
        string? reason = null;
        mlContext.Log += Listen;
        _ = Predict([new EncodedImage { Features = Read(file, out _) }]).Count();
        mlContext.Log -= Listen;
        return reason ?? "expected an image (JPEG, PNG, WebP, GIF, BMP), found something else or a damaged file";

        void Listen(object? sender, LoggingEventArgs message)
        {
            if (message.Kind == ChannelMessageKind.Warning && ReasonOfFirstRow().Match(message.RawMessage) is { Success: true } match)
                reason = match.Value;
        }
    }

    [GeneratedRegex(@"(?<=\(row 0: ).*(?=\)\.$)")]
    private static partial Regex ReasonOfFirstRow();
}
