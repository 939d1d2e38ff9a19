using Microsoft.ML.ResNet.Data;

namespace Microsoft.ML.ResNet.Training;

/// <summary>How a training is computed, which changes its result by rounding at most.</summary>
internal sealed record TrainingSettings
{
    /// <summary>Which ways are taken. The default takes every way of this library's own.</summary>
    public ResNetNumerics Numerics { get; init; } = new();

    /// <summary>
    /// How much memory images and what frozen layers make of them may take together. The default is half of what the process may use.
    /// </summary>
    public ImageMemory Memory { get; init; } = ImageMemory.Of(budgetInMiB: null, folder: null);

    /// <summary>Processes that train together; <see langword="null"/>, the default, is this one alone.</summary>
    public ProcessGroup? Processes { get; init; }
}
