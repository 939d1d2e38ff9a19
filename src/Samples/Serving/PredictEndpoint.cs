using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.ML.ResNet;

namespace Samples.Serving;

/// <summary><c>POST /predict</c>: one picture in, its classes out.</summary>
/// <param name="models">The models; the first is the one of requests that name none.</param>
/// <param name="limits">What is refused.</param>
/// <param name="metrics">What is counted.</param>
internal sealed class PredictEndpoint(IReadOnlyList<ServedModel> models, ServingLimits limits, ServingMetrics metrics)
{
    private const int UsualTop = 5;

    private readonly MemoryBudget _memory = new(limits.UploadBytes);
    private int _requests;

    /// <summary>Answers a request.</summary>
    public async Task AnswerAsync(HttpContext context)
    {
        metrics.Begin();
        context.Response.OnCompleted(() =>
        {
            metrics.End(context.Response.StatusCode);
            return Task.CompletedTask;
        });
        try
        {
            if (Interlocked.Increment(ref _requests) > limits.Requests)
                throw new RequestProblem(StatusCodes.Status503ServiceUnavailable,
                    $"Expected at most {limits.Requests} requests at a time, found more. Try again.");
            if (context.Request.Headers["Sec-Fetch-Site"] == "cross-site") // a browser says so; a form needs nobody's leave to be sent
                throw new RequestProblem(StatusCodes.Status403Forbidden,
                    "Expected a request of a program or of this service's own page, found one of another site's page.");
            var reply = await PredictAsync(context.Request, context.RequestAborted);
            await Replies.WriteAsync(context, reply, ServingJson.Default.PredictionReply);
        }
        finally
        {
            Interlocked.Decrement(ref _requests);
        }
    }

    private async Task<PredictionReply> PredictAsync(HttpRequest request, CancellationToken cancellation)
    {
        var model = Model(request.Query["model"]);
        var wanted = Wanted(request.Query, model.Service.Model.ClassNames);
        using var picture = await PictureUpload.ReadAsync(request, limits, _memory, cancellation);
        var clock = Stopwatch.StartNew();
        var prediction = await model.Service.PredictAsync(picture.Content, wanted, cancellation);
        if (prediction.IsReadable)
            metrics.CountImage(clock.Elapsed);
        else
            metrics.CountUnreadable();
        return Reply(model, prediction, clock.Elapsed);
    }

    private ServedModel Model(string? name)
        => name is null ? models[0] : models.FirstOrDefault(model => model.Name == name)
            ?? throw new RequestProblem(StatusCodes.Status404NotFound,
                $"Expected a model among {string.Join(", ", models.Select(model => $"'{model.Name}'"))}, found '{Shortened(name)}'.");

    private static ImagePredictionOptions Wanted(IQueryCollection query, IReadOnlyList<string> classes)
    {
        var top = UsualTop;
        if (query["top"] is [var text, ..]
            && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out top) || top < 1))
            throw new RequestProblem(StatusCodes.Status400BadRequest,
                $"Expected a whole number of at least 1 for 'top', found '{Shortened(text)}'.");
        var withMap = query["map"] is not [var map, ..] ? false : bool.TryParse(map, out var wish)
            ? wish
            : throw new RequestProblem(StatusCodes.Status400BadRequest, $"Expected true or false for 'map', found '{Shortened(map)}'.");
        int? mapClass = null;
        if (query["mapClass"] is [var name, ..])
        {
            mapClass = classes.Index().Where(one => one.Item == name).Select(one => (int?)one.Index).FirstOrDefault()
                ?? throw new RequestProblem(StatusCodes.Status400BadRequest,
                    $"Expected one of the model's {classes.Count} classes for 'mapClass', found '{Shortened(name)}'.");
        }
        return new() { Top = top, WithActivationMap = withMap || mapClass is not null, ActivationMapClass = mapClass };
    }

    private PredictionReply Reply(ServedModel model, ImagePrediction prediction, TimeSpan duration)
    {
        if (!prediction.IsReadable)
            throw new RequestProblem(StatusOf(prediction.ProblemKind), $"This picture cannot be classified: {prediction.Problem}."
                + (prediction.ProblemKind == ImageProblemKind.TooManyPixels ? $" {limits.OfPixels}" : ""));
        var best = prediction.Top[0];
        return new(model.Name, best.Name, best.Probability, [.. prediction.Top.Select(one => new ClassReply(one.Name, one.Probability))],
            prediction.Height, prediction.Width, Math.Round(duration.TotalMilliseconds, 3), Map(prediction.Map));
    }

    // JSON has no numbers beyond all bounds; a network that makes them of one class has nothing to show.
    private static MapReply? Map(ActivationMap? map)
        => map is null || !map.Values.ToArray().All(float.IsFinite) || !float.IsFinite(map.Logit)
            ? null
            : new(map.ClassName, map.Height, map.Width, map.Values.ToArray(), map.Bias, map.Logit,
                new(map.Area.Top, map.Area.Left, map.Area.Height, map.Area.Width));

    private static int StatusOf(ImageProblemKind kind) => kind switch
    {
        ImageProblemKind.Empty => StatusCodes.Status400BadRequest,
        ImageProblemKind.UnknownFormat => StatusCodes.Status415UnsupportedMediaType,
        ImageProblemKind.TooManyBytes or ImageProblemKind.TooManyPixels => StatusCodes.Status413PayloadTooLarge,
        ImageProblemKind.Damaged => StatusCodes.Status422UnprocessableEntity,
        _ => StatusCodes.Status500InternalServerError,
    };

    private static string Shortened(string? text) => text is { Length: > 60 } ? $"{text[..60]}..." : text ?? "";
}
