namespace Microsoft.ML.ResNet.Persistence;

/// <summary>What a saved model knows about columns.</summary>
/// <param name="FeatureColumn">The column of the images.</param>
/// <param name="LabelColumn">The column that the labels came from.</param>
/// <param name="ScoreColumn">The column of the probabilities.</param>
/// <param name="PredictedLabelColumn">The column of the predicted class.</param>
/// <param name="Layout">How pixels lie in vectors.</param>
/// <param name="Order">Which channel comes first in vectors.</param>
internal sealed record ModelColumns(string FeatureColumn, string LabelColumn, string ScoreColumn, string PredictedLabelColumn,
    PixelLayout Layout, ChannelOrder Order)
{
    /// <summary>The column of what is wrong with images; <see langword="null"/> where there is none.</summary>
    public string? ProblemColumn { get; init; }

    /// <summary>The values of black and full pixels in vectors of numbers.</summary>
    public PixelRange Range { get; init; } = PixelRange.Bytes;
}
