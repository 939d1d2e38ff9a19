namespace Microsoft.ML.ResNet;

/// <summary>One line of a network's summary.</summary>
/// <param name="Name">The layer's name in the state dictionary, such as <c>layer1.0.conv1</c>.</param>
/// <param name="Type">What it is: <c>Convolution 3x3</c>, <c>BatchNorm</c>, <c>MaxPool</c>, <c>AveragePool</c> or <c>Linear</c>.</param>
/// <param name="Output">What comes out for one image; a vector of features counts as channels of one pixel.</param>
/// <param name="Parameters">Weights that training changes.</param>
/// <param name="MultiplyAdds">Multiplications for one image, each with its addition; normalisation and pooling count as none.</param>
public sealed record LayerSummary(string Name, string Type, ImageShape Output, long Parameters, long MultiplyAdds);
