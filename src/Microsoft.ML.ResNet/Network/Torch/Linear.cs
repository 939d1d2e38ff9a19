using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>The classifier: <c>x W^T + b</c>. Leaves its weights unset, for the reason given at <see cref="Convolution"/>.</summary>
internal sealed class Linear : nn.Module<Tensor, Tensor>
{
    public readonly Parameter weight; // (out, in)
    public readonly Parameter bias; // (out)

    /// <param name="inputs">Features that come in.</param>
    /// <param name="outputs">Classes.</param>
    public Linear(int inputs, int outputs) : base(nameof(Linear))
    {
        weight = new Parameter(zeros(outputs, inputs));
        bias = new Parameter(zeros(outputs));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => nn.functional.linear(x, weight, bias);
}
