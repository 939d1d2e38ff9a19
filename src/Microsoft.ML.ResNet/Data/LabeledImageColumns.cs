using Microsoft.ML.ResNet.Images.Columns;

namespace Microsoft.ML.ResNet.Data;

/// <summary>The columns of a set of labelled images.</summary>
/// <param name="Feature">The column of images.</param>
/// <param name="Images">How to read it.</param>
/// <param name="Label">The column of labels: keys of type <see cref="uint"/> with a known count.</param>
/// <param name="Weight">
/// The column of what each row counts, of type <see cref="float"/>; <see langword="null"/> where all count the same.
/// </param>
internal sealed record LabeledImageColumns(DataViewSchema.Column Feature, ImageColumnKind Images, DataViewSchema.Column Label,
    DataViewSchema.Column? Weight);
