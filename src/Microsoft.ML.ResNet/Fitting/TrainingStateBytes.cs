using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Training;

namespace Microsoft.ML.ResNet.Fitting;

/// <summary>A training's state on its way from the process that has read it to those that train with it: as in a checkpoint.</summary>
internal static class TrainingStateBytes
{
    /// <summary>Writes a state.</summary>
    public static byte[] Write(TrainingState state)
    {
        using var stream = new MemoryStream();
        Safetensors.Write(stream, state.Tensors, state.Metadata());
        return stream.ToArray();
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static TrainingState Read(byte[] bytes)
    {
        var tensors = Safetensors.Read(new MemoryStream(bytes), out var metadata);
        return TrainingState.Read(metadata, tensors);
    }
}
