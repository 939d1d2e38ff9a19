using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Network;

/// <summary>
/// The weights of a network as evaluation needs them: by the steps of its plan, and with the batch normalisations folded away.
/// </summary>
/// <param name="weights">The state dictionary under torchvision's names; it fits the plan.</param>
internal sealed class FoldedWeights(IReadOnlyDictionary<string, NamedTensor> weights)
{
    /// <summary>The weights of a model, whatever names its own state dictionary has.</summary>
    /// <param name="model">Its weights fit its plan.</param>
    public static FoldedWeights Of(TrainedResNet model)
    {
        var byName = model.Weights.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        return new(model.Plan.State.ToDictionary(entry => entry.Name, entry => byName[StateNames.Rename(model.Architecture, entry.Name)],
            StringComparer.Ordinal));
    }

    /// <summary>A convolution that does the work of the normalisation behind it.</summary>
    public FoldedConvolution Of(ConvolutionStep step) => FoldedConvolution.Create(weights, step.Name, step.Norm);

    /// <summary>A linear layer as what it is, too: a 1x1 convolution of an image of one pixel, (outputs, inputs, 1, 1).</summary>
    public FoldedConvolution Of(LinearStep step)
    {
        var (weight, bias) = (weights[$"{step.Name}.weight"], weights[$"{step.Name}.bias"]);
        return new FoldedConvolution(weight.Data, [.. weight.Shape, 1, 1], bias.Data);
    }
}
