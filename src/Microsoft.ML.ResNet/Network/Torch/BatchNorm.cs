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

    /// <summary>Knows the rest of a batch of which other processes have a part; <see langword="null"/> where this one has all.</summary>
    public SharedBatch? Shared { get; set; }

    public override Tensor forward(Tensor x)
        => training && Shared is { } shared
            ? shared.Normalize(x, this)
            : nn.functional.batch_norm(x, running_mean, running_var, weight, bias, training,
                BatchNormalization.Momentum, BatchNormalization.Epsilon);

    /// <summary>Normalises by statistics that are given.</summary>
    /// <param name="x">(N, C, H, W).</param>
    /// <param name="mean">float32, (C).</param>
    /// <param name="variance">float32, (C).</param>
    /// <param name="weight">float32, (C).</param>
    /// <param name="bias">float32, (C).</param>
    /// <returns>A tensor like <paramref name="x"/>; the caller owns it.</returns>
    public static Tensor Normalize(Tensor x, Tensor mean, Tensor variance, Tensor weight, Tensor bias)
        => nn.functional.batch_norm(x, mean, variance, weight, bias, training: false, BatchNormalization.Momentum,
            BatchNormalization.Epsilon);

    /// <summary>Lets the running statistics follow those of a batch.</summary>
    /// <param name="mean">float32, (C).</param>
    /// <param name="variance">float32, (C); the unbiased one.</param>
    public void Follow(Tensor mean, Tensor variance)
    {
        using var noGradient = no_grad();
        running_mean.mul_(1 - BatchNormalization.Momentum).add_(mean, alpha: BatchNormalization.Momentum);
        running_var.mul_(1 - BatchNormalization.Momentum).add_(variance, alpha: BatchNormalization.Momentum);
    }
}
