using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace Samples.Predictions;

/// <summary>
/// Shows a model image files as they are, so that it decodes and resizes them as it did the images of training. Some files are decoded
/// while others are scored; the scores are those of a <c>PredictionEngine</c>, bit for bit, whatever the company of a file.
/// </summary>
internal sealed partial class ImageFiles
{
    private const int FilesTogether = 64; // decoded and scored in one go

    [ThreadStatic]
    private static string? Reason; // why the first row is no image, as this thread has heard it

    private readonly MLContext _mlContext;
    private readonly ITransformer _model;

    /// <param name="mlContext">The environment of the model.</param>
    /// <param name="model">The whole chain.</param>
    public ImageFiles(MLContext mlContext, ITransformer model)
    {
        (_mlContext, _model) = (mlContext, model);
        // The library logs what it cannot decode for a whole set of rows at once, on the thread that reads them.
        mlContext.Log += (_, message) =>
        {
            if (message.Kind == ChannelMessageKind.Warning && ReasonOfFirstRow().Match(message.RawMessage) is { Success: true } match)
                Reason = match.Value;
        };
    }

    /// <summary>Predicts the class of each file, in their order, as they are asked for.</summary>
    /// <param name="files">The files; they are asked for a little ahead.</param>
    /// <param name="cancellation">Stops before the next files.</param>
    /// <returns>For each file the prediction; or, if it cannot be read, why.</returns>
    public IEnumerable<(string File, Prediction? Prediction, string? Problem)> Predict(IEnumerable<string> files,
        CancellationToken cancellation)
    {
        var ahead = new Queue<Task<List<(string, Prediction?, string?)>>>();
        foreach (var chunk in files.Chunk(FilesTogether))
        {
            ahead.Enqueue(Task.Run(() => PredictTogether(chunk, cancellation), cancellation));
            if (ahead.Count > Environment.ProcessorCount)
                foreach (var result in ahead.Dequeue().GetAwaiter().GetResult())
                    yield return result;
        }
        while (ahead.TryDequeue(out var last))
            foreach (var result in last.GetAwaiter().GetResult())
                yield return result;
    }

    private List<(string, Prediction?, string?)> PredictTogether(string[] files, CancellationToken cancellation)
    {
        var results = new List<(string, Prediction?, string?)>(files.Length);
        foreach (var prediction in Predict(files))
        {
            cancellation.ThrowIfCancellationRequested();
            var file = files[results.Count];
            results.Add(prediction.IsKnown ? (file, prediction, null) : (file, null, WhyNotRead(file)));
        }
        return results;
    }

    private IEnumerable<Prediction> Predict(IEnumerable<string> files)
        => _mlContext.Data.CreateEnumerable<Prediction>(_model.Transform(_mlContext.Data.LoadFromEnumerable(
            files.Select(file => new EncodedImage { Features = Read(file, out _) }))), reuseRowObject: false);

    /// <summary>The bytes of a file; none, and a reason, if there are none to be had.</summary>
    private static byte[] Read(string file, out string? problem)
    {
        problem = null;
        try
        {
            var information = new FileInfo(file);
            if (information.Exists && information.Length > 0) // a pipe or a device has no length; reading one might never end
                return File.ReadAllBytes(file);
            problem = information.Exists ? "expected an image, found no bytes"
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
        Reason = null;
        _ = Predict([file]).Count();
        return Reason ?? "expected an image (JPEG, PNG, WebP, GIF, BMP), found something else or a damaged file";
    }

    [GeneratedRegex(@"(?<=\(row 0: ).*(?=\)\.$)")]
    private static partial Regex ReasonOfFirstRow();
}
