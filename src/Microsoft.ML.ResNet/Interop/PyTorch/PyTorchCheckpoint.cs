using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>What a PyTorch file holds for us.</summary>
/// <param name="Tensors">The state dictionary in its own order, under the names it has there.</param>
/// <param name="Metadata">
/// Numbers and texts that were saved beside it, such as <c>epoch</c> or <c>best_prec1</c>; numbers in invariant format.
/// </param>
internal sealed record PyTorchCheckpoint(IReadOnlyList<NamedTensor> Tensors, IReadOnlyDictionary<string, string> Metadata);
