namespace Microsoft.ML.ResNet.Data;

/// <summary>In which form a training wants its images.</summary>
/// <param name="Shape">
/// The shape that the network takes; <see langword="null"/> is that of the column or of the first readable image.
/// </param>
/// <param name="Geometry">How pictures of another size become that.</param>
/// <param name="Keep">
/// The shape in which whole pictures are kept for an augmentation that cuts parts out of them; <see langword="null"/>, or giving that,
/// where none does.
/// </param>
internal sealed record ImageRequest(ImageShape? Shape, ImageGeometry Geometry, Func<ImageShape, ImageShape?>? Keep = null);
