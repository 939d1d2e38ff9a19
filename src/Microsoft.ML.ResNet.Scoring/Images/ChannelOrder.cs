namespace Microsoft.ML.ResNet;

/// <summary>Which channel comes first in a vector of three or four.</summary>
public enum ChannelOrder
{
    /// <summary>Red, green, blue.</summary>
    Rgb,

    /// <summary>Blue, green, red.</summary>
    Bgr,
}
