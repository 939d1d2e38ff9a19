namespace Microsoft.ML.ResNet;

/// <summary>
/// Which of several ways to the same results, but for rounding, a training or a model takes. An immutable value that is resolved once: by
/// <c>Fit</c> when it begins, and for a model when it is made or loaded, so that trainings and models with different ones live side by side
/// in a process. docs/adr/0006, 0011 and 0012 hold the measurements.
/// </summary>
public sealed record ResNetNumerics
{
    /// <summary>
    /// Whether libtorch gets images and convolution weights channels-last, which oneDNN computes faster. The default is
    /// <see langword="true"/>; <see langword="false"/> also means training without <see cref="CpuKernelsForTraining"/>, which read that
    /// layout only.
    /// </summary>
    public bool ChannelsLast { get; init; } = true;

    /// <summary>
    /// Whether networks are trained by this library's own kernels where there are some for them: on CPUs with vectors of 512 bits, or of
    /// 256 and fused multiplication. The default is <see langword="true"/>; everything else, and a GPU, uses libtorch.
    /// </summary>
    public bool CpuKernelsForTraining { get; init; } = true;

    /// <summary>
    /// Whether models score with the library's own convolutions, for AVX-512, AVX2 or vectors of 128 bits, which every processor has,
    /// instead of libtorch's. The default is <see langword="true"/>; the probabilities are the same to 1e-5, and libtorch is not loaded for
    /// scoring. Each model logs what it scores by, and why, when it is made or loaded: <c>Scoring by ...</c>.
    /// </summary>
    public bool CpuKernelsForScoring { get; init; } = true;
}
