using System.Diagnostics.CodeAnalysis;

namespace Microsoft.ML.ResNet;

/// <summary>What an <see cref="ImageClassifier"/> says about one picture: classes, or the reason why there are none. Immutable.</summary>
public sealed class ImagePrediction
{
    internal ImagePrediction(IReadOnlyList<ClassProbability> top, int height, int width, ActivationMap? map)
        => (Top, Height, Width, Map) = (top, height, width, map);

    internal ImagePrediction(ImageProblemKind kind, string problem) => (Top, ProblemKind, Problem) = ([], kind, problem);

    /// <summary>The likeliest classes, the likeliest first, and of equals the one of the lower number; empty without an image.</summary>
    public IReadOnlyList<ClassProbability> Top { get; }

    /// <summary>
    /// Why there are no classes, as <c>expected ..., found ...</c> without a full stop; <see langword="null"/> where there are.
    /// </summary>
    public string? Problem { get; }

    /// <summary>The same for programs.</summary>
    public ImageProblemKind ProblemKind { get; }

    /// <summary>Whether there was a picture that could be classified.</summary>
    [MemberNotNullWhen(false, nameof(Problem))]
    public bool IsReadable => Problem is null;

    /// <summary>Rows of the picture as it stands, in pixels; 0 without one.</summary>
    public int Height { get; }

    /// <summary>Columns of the picture as it stands, in pixels; 0 without one.</summary>
    public int Width { get; }

    /// <summary>
    /// Where the network looked; <see langword="null"/> unless <see cref="ImagePredictionOptions.WithActivationMap"/> asked for it.
    /// </summary>
    public ActivationMap? Map { get; }

    /// <summary>The likeliest class, or the problem.</summary>
    public override string ToString() => IsReadable ? $"{Top[0]}" : Problem;
}
