using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.AspNetCore;

var builder = WebApplication.CreateBuilder(args);
const int MostBytes = 16 << 20;
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = MostBytes + (64 << 10));
builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, Replies.Default));
builder.Services.AddResNet(builder.Configuration["Model"] ?? "model.zip",
    options => options.Limits = new() { MaximumBytes = MostBytes, MaximumPixels = 25_000_000 });

var app = builder.Build();
app.MapHealthChecks("/healthz");
app.MapGet("/classes", (ResNetService model) => model.Model.ClassNames);

// curl -F file=@photo.jpg http://localhost:5000/predict, or with the picture as the body: curl --data-binary @photo.jpg ...
app.MapPost("/predict", async (HttpRequest request, ResNetService model, int? top, CancellationToken cancellation) =>
{
    if (top < 1)
        return Results.Problem($"Expected at least 1 for 'top', found {top}.", statusCode: 400);
    var isForm = request.ContentType?.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase) == true; // curl calls a body a form too
    await using var picture = isForm
        ? (await request.ReadFormAsync(cancellation)).Files.GetFile("file")?.OpenReadStream()
        : request.Body;
    if (picture is null)
        return Results.Problem("Expected a form with a field 'file', found none.", statusCode: 400);
    var prediction = await model.PredictAsync(picture, new() { Top = top ?? 5 }, cancellation);
    return prediction.IsReadable
        ? Results.Ok(prediction.Top)
        : Results.Problem(prediction.Problem, statusCode: prediction.ProblemKind is ImageProblemKind.TooManyBytes
            or ImageProblemKind.TooManyPixels ? 413 : 422);
});
app.Run();

// What is answered as JSON, by generated code; an answer of another type needs a line here.
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(IReadOnlyList<ClassProbability>))]
[JsonSerializable(typeof(ProblemDetails))]
internal sealed partial class Replies : JsonSerializerContext;
