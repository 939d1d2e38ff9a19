namespace Samples;

/// <summary>An image file as a row of ML.NET data: encoded, as <c>LoadRawImageBytes</c> makes it. The model decodes it itself.</summary>
/// <param name="read">Reads the file when a cursor asks for it.</param>
/// <param name="label">The class; empty where it is the question: a model's first step wants the column, the network does not.</param>
/// <param name="path">What the file is called.</param>
internal sealed class EncodedImage(Func<byte[]> read, string label = "", string path = "")
{
    /// <summary>The bytes of the file, whatever its format and size.</summary>
    public byte[] Features => read();

    /// <summary>The class.</summary>
    public string Label => label;

    /// <summary>The name of the file, for who shows it.</summary>
    public string ImagePath => path;
}
