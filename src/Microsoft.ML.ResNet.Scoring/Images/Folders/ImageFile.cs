namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>One image of a class folder.</summary>
/// <param name="Label">The class: the folder's name.</param>
/// <param name="Name">The file's name below the store's root, with <c>/</c> between folders.</param>
internal sealed record ImageFile(string Label, string Name);
