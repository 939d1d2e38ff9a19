using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// The columns that a model adds, in one place: what the estimator promises and what the transformer delivers. The first two are those
/// of ML.NET's own multiclass scorers.
/// </summary>
/// <param name="PredictedLabel">The name of the column of the predicted class.</param>
/// <param name="Score">The name of the column of the probabilities.</param>
/// <param name="Problem">
/// The name of the column that says why an image has no scores; <see langword="null"/> where there is none.
/// </param>
internal sealed record ScoreColumns(string PredictedLabel, string Score, string? Problem)
{
    /// <summary>The place of <see cref="PredictedLabel"/> among the added columns.</summary>
    public const int PredictedLabelIndex = 0;

    /// <summary>The place of <see cref="Score"/> among the added columns.</summary>
    public const int ScoreIndex = 1;

    /// <summary>The place of <see cref="Problem"/> among the added columns, where there is one.</summary>
    public const int ProblemIndex = 2;

    /// <summary>The promise: what a label column leads to.</summary>
    /// <param name="label">A key column.</param>
    public SchemaShape.Column[] Promise(SchemaShape.Column label)
    {
        var keyValues = label.Annotations.Where(annotation => annotation.Name == AnnotationUtils.Kinds.KeyValues
            && annotation.Kind == SchemaShape.Column.VectorKind.Vector);
        return
        [
            new(PredictedLabel, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, isKey: true,
                new SchemaShape(keyValues.Concat(AnnotationUtils.GetTrainerOutputAnnotation()))),
            new(Score, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, isKey: false,
                new SchemaShape(AnnotationUtils.AnnotationsForMulticlassScoreColumn(label))),
            .. Problem is null ? Array.Empty<SchemaShape.Column>()
                : [new(Problem, SchemaShape.Column.VectorKind.Scalar, TextDataViewType.Instance, isKey: false)],
        ];
    }

    /// <summary>The delivery: the columns for the classes of a model.</summary>
    /// <param name="classes">The classes.</param>
    /// <param name="input">The schema that the columns are added to.</param>
    public DataViewSchema.DetachedColumn[] Create(ClassLabels classes, DataViewSchema input)
    {
        var set = input.GetMaxAnnotationKind(out _, AnnotationUtils.Kinds.ScoreColumnSetId) + 1;
        var predictedLabel = Annotations(set, AnnotationUtils.Const.ScoreValueKind.PredictedLabel,
            builder => ClassKeys.AddTo(builder, AnnotationUtils.Kinds.KeyValues, classes));
        var score = Annotations(set, AnnotationUtils.Const.ScoreValueKind.Score, builder =>
        {
            if (classes.ValueType == typeof(ReadOnlyMemory<char>))
                ClassKeys.AddTo(builder, AnnotationUtils.Kinds.SlotNames, classes);
            ClassKeys.AddTo(builder, AnnotationUtils.Kinds.TrainingLabelValues, classes);
        });
        return
        [
            new(PredictedLabel, new KeyDataViewType(typeof(uint), classes.Count), predictedLabel),
            new(Score, new VectorDataViewType(NumberDataViewType.Single, classes.Count), score),
            .. Problem is null ? Array.Empty<DataViewSchema.DetachedColumn>() : [new(Problem, TextDataViewType.Instance)],
        ];
    }

    private static DataViewSchema.Annotations Annotations(uint set, string valueKind, Action<DataViewSchema.Annotations.Builder> addLabels)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        addLabels(builder);
        builder.Add(AnnotationUtils.Kinds.ScoreColumnSetId, AnnotationUtils.ScoreColumnSetIdType, (ref uint value) => value = set);
        builder.Add(AnnotationUtils.Kinds.ScoreColumnKind, TextDataViewType.Instance,
            (ref ReadOnlyMemory<char> value) => value = AnnotationUtils.Const.ScoreColumnKind.MulticlassClassification.AsMemory());
        builder.Add(AnnotationUtils.Kinds.ScoreValueKind, TextDataViewType.Instance,
            (ref ReadOnlyMemory<char> value) => value = valueKind.AsMemory());
        return builder.ToAnnotations();
    }
}
