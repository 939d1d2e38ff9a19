namespace Microsoft.ML.ResNet.Images;

/// <summary>
/// Where a picture goes: the size to which all of it is scaled, and where its upper left corner then lies in the image. Negative places cut
/// off what lies outside; positive ones leave a border.
/// </summary>
/// <param name="Height">Rows of the scaled picture; at least 1.</param>
/// <param name="Width">Columns of the scaled picture; at least 1.</param>
/// <param name="Top">The image's row of the picture's first row.</param>
/// <param name="Left">The image's column of the picture's first column.</param>
internal readonly record struct ImagePlacement(long Height, long Width, long Top, long Left);
