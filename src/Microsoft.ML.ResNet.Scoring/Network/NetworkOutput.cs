namespace Microsoft.ML.ResNet.Network;

/// <summary>What is wanted of a network.</summary>
internal enum NetworkOutput
{
    /// <summary>The output of the classifier, a number for each class, before softmax.</summary>
    Logits,

    /// <summary>What the classifier reads: the mean of every channel of the last block.</summary>
    Features,

    /// <summary>What the features are the means of: the output of the last block, in the order height x width x channels.</summary>
    LastMap,
}
