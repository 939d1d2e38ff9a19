using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>The state dictionary that was chosen in a file.</summary>
/// <param name="Tensors">Its tensors in its own order, under the names it has there.</param>
/// <param name="Key">
/// Where it lies, as <c>state_dict</c> or <c>model/state_dict</c>; <see langword="null"/> where it is the whole file.
/// </param>
/// <param name="OtherKeys">Where others lie.</param>
internal sealed record PyTorchCheckpoint(IReadOnlyList<NamedTensor> Tensors, string? Key, IReadOnlyList<string> OtherKeys)
{
    /// <summary>All keys.</summary>
    public IEnumerable<string> AllKeys => Key is null ? OtherKeys : [Key, .. OtherKeys];
}
