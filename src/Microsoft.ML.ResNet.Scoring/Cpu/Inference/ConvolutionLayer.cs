using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// A layer with weights. It has room for them from the start; they are packed in pieces, in any order and at the same time, all of them
/// before the layer runs.
/// </summary>
internal abstract class ConvolutionLayer : InferenceLayer
{
    /// <summary>Whether the result is added to what the output map holds.</summary>
    public bool Accumulates { get; init; }

    /// <summary>Whether negative results become zero.</summary>
    public bool Rectifies { get; init; }

    /// <summary>Pieces that the weights are packed in.</summary>
    public abstract int Pieces { get; }

    /// <summary>Packs a piece of the weights.</summary>
    /// <param name="convolution">What the layer was made for.</param>
    /// <param name="piece">From 0 to below <see cref="Pieces"/>.</param>
    public abstract void Pack(FoldedConvolution convolution, int piece);
}
