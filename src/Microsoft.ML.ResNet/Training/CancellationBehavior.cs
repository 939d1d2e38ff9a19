namespace Microsoft.ML.ResNet;

/// <summary>What a training leaves that is cancelled.</summary>
public enum CancellationBehavior
{
    /// <summary>An <see cref="OperationCanceledException"/>. The default.</summary>
    Throw,

    /// <summary>
    /// The model of the best epoch so far or, without validation, of the last that was finished; a warning says so. The unfinished epoch is
    /// lost. Before an epoch was finished it is the exception all the same.
    /// </summary>
    KeepBest,
}
