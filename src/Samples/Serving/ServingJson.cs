using System.Text.Json.Serialization;

namespace Samples.Serving;

/// <summary>A class and its probability.</summary>
internal sealed record ClassReply(string Class, float Probability);

/// <summary>The part of the picture that a map covers, in heights and widths of the picture.</summary>
internal sealed record AreaReply(double Top, double Left, double Height, double Width);

/// <summary>Where the network looked for a class; values row by row, in logits.</summary>
internal sealed record MapReply(string Class, int Height, int Width, float[] Values, float Bias, float Logit, AreaReply Area);

/// <summary>The answer to <c>POST /predict</c>.</summary>
/// <param name="Model">The name of the model.</param>
/// <param name="Class">The likeliest class.</param>
/// <param name="Probability">Its probability.</param>
/// <param name="Top">The likeliest classes, the likeliest first.</param>
/// <param name="Height">Rows of the picture.</param>
/// <param name="Width">Columns of the picture.</param>
/// <param name="Milliseconds">What decoding and computing took.</param>
/// <param name="Map">Where the network looked, if the request asked.</param>
internal sealed record PredictionReply(string Model, string Class, float Probability, IReadOnlyList<ClassReply> Top, int Height, int Width,
    double Milliseconds, MapReply? Map);

/// <summary>One model of <c>GET /models</c>.</summary>
internal sealed record ModelReply(string Name, string Architecture, string Image, string Geometry, bool HonorsOrientation,
    IReadOnlyList<string> Classes);

/// <summary>The answer to <c>GET /models</c>.</summary>
internal sealed record ModelsReply(IReadOnlyList<ModelReply> Models, int MaximumBytes, long MaximumPixels);

/// <summary>The answer to <c>GET /healthz</c>.</summary>
internal sealed record HealthReply(string Status, int Models);

/// <summary>Problem details (RFC 9457).</summary>
internal sealed record ProblemReply(string Type, string Title, int Status, string Detail);

/// <summary>Everything that the service writes as JSON, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PredictionReply))]
[JsonSerializable(typeof(ModelsReply))]
[JsonSerializable(typeof(HealthReply))]
[JsonSerializable(typeof(ProblemReply))]
internal sealed partial class ServingJson : JsonSerializerContext;
