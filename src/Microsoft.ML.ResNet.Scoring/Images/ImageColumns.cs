namespace Microsoft.ML.ResNet;

/// <summary>The columns of the data that <c>ImageDataCatalog</c> loads, named as ML.NET's trainers expect them by default.</summary>
public static class ImageColumns
{
    /// <summary>
    /// The image: <c>Vector&lt;Byte, channels, height, width&gt;</c>, raw pixels from 0 to 255, one colour plane after the other.
    /// </summary>
    public const string Features = "Features";

    /// <summary>The class: its name, as text.</summary>
    public const string Label = "Label";

    /// <summary>
    /// The path of the file, as text; within a zip archive, of its entry. Only <c>LoadImageFilesFromFolder</c> has
    /// it.
    /// </summary>
    public const string ImagePath = "ImagePath";
}
