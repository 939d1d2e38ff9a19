namespace Samples;

/// <summary>The column that ML.NET's filters must name when they decide by something else.</summary>
internal sealed class LabelOnly
{
    /// <summary>The class.</summary>
    public string Label { get; set; } = "";
}
