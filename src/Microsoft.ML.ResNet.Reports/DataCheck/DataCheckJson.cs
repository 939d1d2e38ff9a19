using System.Text.Json.Serialization;

namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>How results become JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DataCheckResult))]
[JsonSerializable(typeof(DataCheckPage.Contents))]
internal sealed partial class DataCheckJson : JsonSerializerContext;
