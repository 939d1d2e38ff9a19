using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>
/// Batch normalisation over N x C x H x W with the numbers of <see cref="BatchNormalization"/>. Trains with the batch's statistics
/// and updates the running ones; evaluates with the running ones. (Ioffe, Szegedy 2015, arXiv:1502.03167.)
/// </summary>
internal sealed class BatchNorm : nn.Module<Tensor, Tensor>
{
    public readonly Parameter weight; // (C)
    public readonly Parameter bias; // (C)
    public readonly Tensor running_mean; // (C)
    public readonly Tensor running_var; // (C)
    public readonly Tensor num_batches_tracked; // int64 scalar: PyTorch keeps it, so we do

    /// <param name="channels">Channels that come in and go out.</param>
    public BatchNorm(int channels) : base(nameof(BatchNorm))
    {
        weight = new Parameter(ones(channels));
        bias = new Parameter(zeros(channels));
        running_mean = zeros(channels);
        running_var = ones(channels);
        num_batches_tracked = zeros([], ScalarType.Int64);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
        => nn.functional.batch_norm(x, running_mean, running_var, weight, bias, training,
            BatchNormalization.Momentum, BatchNormalization.Epsilon);
}
