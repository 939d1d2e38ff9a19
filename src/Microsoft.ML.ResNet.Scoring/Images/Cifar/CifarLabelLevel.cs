namespace Microsoft.ML.ResNet;

/// <summary>Which of CIFAR-100's two labels to load. CIFAR-10 has only one.</summary>
public enum CifarLabelLevel
{
    /// <summary>The 100 classes, such as <c>maple_tree</c>.</summary>
    Fine,

    /// <summary>The 20 groups of classes, such as <c>trees</c>.</summary>
    Coarse,
}
