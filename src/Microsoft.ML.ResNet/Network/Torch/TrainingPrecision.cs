namespace Microsoft.ML.ResNet;

/// <summary>In what precision convolutions are computed while a network learns.</summary>
public enum TrainingPrecision
{
    /// <summary>32 bits, as everywhere.</summary>
    Full,

    /// <summary>
    /// 16 bits with the exponents of 32 (bfloat16): less memory, and less time on GPUs with units for it; about three decimals. Weights,
    /// their updates, statistics, loss, validation and scores stay in 32 bits, and gradients need no scaling.
    /// </summary>
    BFloat16,
}
