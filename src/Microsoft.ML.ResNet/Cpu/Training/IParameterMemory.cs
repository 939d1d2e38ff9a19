namespace Microsoft.ML.ResNet.Cpu.Training;

/// <summary>
/// Where the state of a network lies in memory, by torchvision's names: floats, those of convolutions in the order outputs x height x width
/// x inputs. Addresses hold, and the values of weights stay, for one step: from the beginning of the way forward to the end of the way
/// back.
/// </summary>
internal unsafe interface IParameterMemory
{
    /// <summary>The values of a parameter, or of a running statistic.</summary>
    float* Values(string name);

    /// <summary>The gradient of a parameter: zeros where there was none yet.</summary>
    float* Gradient(string name);
}
