namespace Microsoft.ML.ResNet;

/// <summary>Where the means and variances come from by which batch normalisation evaluates.</summary>
public enum NormStatistics
{
    /// <summary>
    /// <see cref="Measured"/> where an epoch has fewer than 20 steps, and <see cref="Running"/> where it has more.
    /// </summary>
    Auto,

    /// <summary>
    /// Moving averages over the steps, as in PyTorch: every step keeps nine tenths. After few steps an epoch they still hold what
    /// earlier weights gave, and validation can be far below training.
    /// </summary>
    Running,

    /// <summary>
    /// Measured at the end of every epoch over all training images, which are not augmented for it (Wu, Johnson 2021,
    /// arXiv:2105.07576, section 3). It costs one more pass forward an epoch.
    /// </summary>
    Measured,
}
