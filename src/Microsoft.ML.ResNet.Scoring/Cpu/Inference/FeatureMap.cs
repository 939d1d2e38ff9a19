namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>A feature map of a network, which layers read and write.</summary>
/// <param name="Index">Its number in every <see cref="Workspace"/>.</param>
/// <param name="Layout">Where its numbers lie.</param>
internal sealed record FeatureMap(int Index, MapLayout Layout);
