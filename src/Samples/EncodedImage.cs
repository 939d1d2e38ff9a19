namespace Samples;

/// <summary>An image file as a row of ML.NET data: encoded, as <c>LoadRawImageBytes</c> makes it. The model decodes it itself.</summary>
internal sealed class EncodedImage
{
    /// <summary>The bytes of the file, whatever its format and size.</summary>
    public byte[] Features { get; set; } = [];

    /// <summary>The class, which is the question: a model's first step wants the column, the network does not.</summary>
    public string Label { get; set; } = "";
}
