namespace Microsoft.ML.ResNet.Images;

/// <summary>The size of a picture as it stands, before it becomes an image of the network's shape.</summary>
/// <param name="Height">Rows, in pixels.</param>
/// <param name="Width">Columns, in pixels.</param>
internal readonly record struct PictureSize(int Height, int Width)
{
    /// <param name="size">Rows and columns.</param>
    public PictureSize((int Height, int Width) size) : this(size.Height, size.Width)
    {
    }
}
