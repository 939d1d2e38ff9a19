using System.CommandLine;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Samples.Output;
using Samples.Planning;

namespace Samples.Training;

/// <summary>All that a training needs, before it begins.</summary>
/// <param name="Plan">What is to be trained.</param>
/// <param name="Train">The images to learn from, with their class as text.</param>
/// <param name="Validation">The images to choose the best epoch by, and to evaluate on.</param>
/// <param name="Initial">The model whose weights training starts from; disposed with this.</param>
internal sealed record TrainingWork(TrainingPlan Plan, IDataView Train, IDataView? Validation, ResNetTransformer? Initial) : IDisposable
{
    /// <summary>
    /// Whether the validation images are scored once more at the end, for all figures; otherwise the kept epoch's report is the result.
    /// </summary>
    public bool EvaluatesAgain { get; init; } = true;

    /// <summary>Memory for pictures in MiB where nobody says more or less; null for the library's default.</summary>
    public int? ImageMemoryMiB { get; init; }

    /// <summary>What was chosen of options that nobody gave, for the file of options.</summary>
    public IReadOnlyDictionary<Option, string> Known { get; init; } = new Dictionary<Option, string>();

    /// <summary>Is told where stages are shown, before the first begins.</summary>
    public Action<EpochLines>? Begins { get; init; }

    /// <inheritdoc/>
    public void Dispose() => Initial?.Dispose();
}
