namespace Microsoft.ML.ResNet;

/// <summary>One line of a network's summary. Immutable.</summary>
public sealed class LayerSummary
{
    internal LayerSummary(string name, string type, ImageShape outputShape, long parameterCount, long multiplyAdds)
        => (Name, Type, OutputShape, ParameterCount, MultiplyAdds) = (name, type, outputShape, parameterCount, multiplyAdds);

    /// <summary>The layer's name in the state dictionary, such as <c>layer1.0.conv1</c>.</summary>
    public string Name { get; }

    /// <summary>What it is: <c>Convolution 3x3</c>, <c>BatchNorm</c>, <c>MaxPool</c>, <c>AveragePool</c> or <c>Linear</c>.</summary>
    public string Type { get; }

    /// <summary>What comes out for one image; a vector of features counts as channels of one pixel.</summary>
    public ImageShape OutputShape { get; }

    /// <summary>Weights that training changes.</summary>
    public long ParameterCount { get; }

    /// <summary>Multiplications for one image, each with its addition; normalisation and pooling count as none.</summary>
    public long MultiplyAdds { get; }

    /// <summary>The line, as in <c>conv1: Convolution 3x3, 16x32x32, 432 parameters, 442368 multiply-adds</c>.</summary>
    public override string ToString()
        => FormattableString.Invariant($"{Name}: {Type}, {OutputShape}, {ParameterCount} parameters, {MultiplyAdds} multiply-adds");
}
