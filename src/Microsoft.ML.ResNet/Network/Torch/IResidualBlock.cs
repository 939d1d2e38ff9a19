namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>The parts of a residual block, for those that compute it in another way than <c>forward</c> does.</summary>
internal interface IResidualBlock
{
    /// <summary>The convolutions, each with the batch normalisation behind it; all but the last are rectified.</summary>
    IReadOnlyList<(Convolution, BatchNorm)> Chain { get; }

    /// <summary>
    /// What the input goes through before it is added; <see langword="null"/> where it is added as it is, or goes through something else.
    /// </summary>
    (Convolution, BatchNorm)? Projection { get; }
}
