namespace Microsoft.ML.ResNet;

/// <summary>What a row counts in training because of its class.</summary>
public enum ClassBalance
{
    /// <summary>As much as any other: frequent classes decide.</summary>
    None,

    /// <summary>
    /// In inverse proportion to the rows of its class, so that all classes count the same together: <c>rows / (classes x rows of the
    /// class)</c>, scikit-learn's
    /// <c>class_weight="balanced"</c>. It trades overall accuracy for the recall of rare classes.
    /// </summary>
    Balanced,
}
