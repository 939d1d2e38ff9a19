namespace Microsoft.ML.ResNet.Network;

/// <summary>
/// The two numbers of batch normalisation that are no weights: PyTorch's defaults (Ioffe, Szegedy 2015, arXiv:1502.03167).
/// </summary>
internal static class BatchNormalization
{
    /// <summary>What is added to a variance before its root is taken.</summary>
    public const double Epsilon = 1e-5;

    /// <summary>The part of the running statistics that a batch replaces by its own.</summary>
    public const double Momentum = 0.1;
}
