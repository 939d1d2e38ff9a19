#!/usr/bin/env dotnet
#:sdk Microsoft.NET.Sdk.Web
#:package Microsoft.ML.ResNet.AspNetCore@0.1.0
#:property PublishAot=false
#:property JsonSerializerIsReflectionEnabledByDefault=false

// Answers what is on a picture, without libtorch: dotnet run serve.cs -- --Model model.zip
// curl --data-binary @photo.jpg http://localhost:5000/predict
// Copy it to a folder of its own; the .NET 10 SDK is all that it needs.
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.AspNetCore;

var builder = WebApplication.CreateBuilder(args);
builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, Replies.Default));
builder.Services.AddResNet(builder.Configuration["Model"] ?? "model.zip");
var app = builder.Build();
app.MapHealthChecks("/healthz");
app.MapPost("/predict", async (HttpRequest request, ResNetService model, CancellationToken cancellation) =>
{
    var prediction = await model.PredictAsync(request.Body, new() { Top = 5 }, cancellation);
    return prediction.IsReadable ? Results.Ok(prediction.Top) : Results.Problem(prediction.Problem, statusCode: 422);
});
app.Run();

// What is answered as JSON, by generated code.
[JsonSerializable(typeof(IReadOnlyList<ClassProbability>))]
[JsonSerializable(typeof(ProblemDetails))]
internal sealed partial class Replies : JsonSerializerContext;
