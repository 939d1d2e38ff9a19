namespace Microsoft.ML.ResNet.Data;

/// <summary>Rows of a batch that are computed together.</summary>
/// <param name="First">The first, by its place in the batch.</param>
/// <param name="Count">How many there are.</param>
/// <param name="FirstOwn">The first of those whose images are at hand, among all images of the batch that are.</param>
/// <param name="Own">How many of them are at hand; with one process all.</param>
internal readonly record struct BatchPiece(int First, int Count, int FirstOwn, int Own);
