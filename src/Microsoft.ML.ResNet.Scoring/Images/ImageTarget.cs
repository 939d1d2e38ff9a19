namespace Microsoft.ML.ResNet.Images;

/// <summary>What a picture is to become.</summary>
/// <param name="Shape">The shape of the image.</param>
/// <param name="Geometry">How a picture of another size becomes an image of that shape.</param>
internal readonly record struct ImageTarget(ImageShape Shape, ImageGeometry Geometry);
