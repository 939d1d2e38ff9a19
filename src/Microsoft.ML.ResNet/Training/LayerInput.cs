using Microsoft.ML.ResNet.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>A set of images as the first layer reads them that learns.</summary>
/// <param name="Rows">The images, or what frozen layers made of them.</param>
/// <param name="Of">Makes that layer's input of some of these rows; the caller owns it.</param>
internal sealed record LayerInput(PixelStore Rows, Func<Tensor, Tensor> Of);
