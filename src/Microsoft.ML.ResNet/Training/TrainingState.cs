using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// All that a training needs to go on as if it had never stopped: where it stands, what it has measured, and every tensor that changes.
/// There is no random state, because every random choice is derived from the seed and where training stands.
/// </summary>
/// <param name="Epoch">Whole epochs that are done.</param>
/// <param name="Step">Steps of the next epoch that are done.</param>
/// <param name="OptimizerSteps">Steps that the optimiser has counted.</param>
/// <param name="Running">Loss and accuracy so far in the unfinished epoch.</param>
/// <param name="Best">The best epoch so far and how patient training still is.</param>
/// <param name="History">The reports of the epochs that are done.</param>
/// <param name="Tensors">By group: <c>weights/...</c>, <c>optimizer/...</c>, <c>average/...</c>, <c>best/...</c>.</param>
internal sealed record TrainingState(
    int Epoch,
    int Step,
    long OptimizerSteps,
    RunningMean.Sums Running,
    BestEpoch.Memory Best,
    IReadOnlyList<EpochReport> History,
    IReadOnlyList<NamedTensor> Tensors)
{
    private const string Key = "training";

    private static readonly TrainingStateJson Json = new(new JsonSerializerOptions
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    });

    /// <summary>The tensors of a group, without its name.</summary>
    public IReadOnlyList<NamedTensor> Group(string group)
        => [.. Tensors.Where(tensor => tensor.Name.StartsWith($"{group}/", StringComparison.Ordinal))
            .Select(tensor => tensor with { Name = tensor.Name[(group.Length + 1)..] })];

    /// <summary>
    /// Whether every number of the training is finite. Where one is not, the training has diverged and nothing can go on from it.
    /// </summary>
    public bool IsFinite()
        => double.IsFinite(Running.Loss) && Tensors.Where(tensor => tensor.Type == ElementType.Float32).All(HoldsNumbers);

    /// <summary>Puts tensors into a group.</summary>
    public static IEnumerable<NamedTensor> InGroup(string group, IEnumerable<NamedTensor> tensors)
        => tensors.Select(tensor => tensor with { Name = $"{group}/{tensor.Name}" });

    /// <summary>Everything but the tensors, as text to be kept beside them.</summary>
    public Dictionary<string, string> Metadata()
        => new() { [Key] = JsonSerializer.Serialize(this with { Tensors = [] }, Json.TrainingState) };

    /// <summary>The state that such text and tensors describe.</summary>
    /// <exception cref="FormatException">The text is not that of a training state, or contradicts itself or the tensors.</exception>
    public static TrainingState Read(IReadOnlyDictionary<string, string> metadata, IReadOnlyList<NamedTensor> tensors)
    {
        var text = metadata.GetValueOrDefault(Key) ?? throw new FormatException("It holds tensors, but no training state.");
        try
        {
            var state = JsonSerializer.Deserialize(text, Json.TrainingState)
                ?? throw new FormatException("Its training state is null.");
            state = state with { Tensors = tensors };
            return state.Contradiction() is { } problem ? throw new FormatException(problem) : state;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter: text that is not Unicode
        {
            throw new FormatException($"Its training state cannot be read: {e.Message}", e);
        }
    }

    // What this library never writes; training would go on with it and end in an exception that explains nothing, or in nonsense.
    private string? Contradiction()
    {
        if (Epoch < 0 || Step < 0 || OptimizerSteps < Step)
            return $"It counts {Epoch} epochs, {Step} steps after them, and {OptimizerSteps} steps altogether.";
        if (History.Count != Epoch || History.Where((report, index) => report?.Epoch != index + 1).Any())
            return $"It has done {Epoch} epochs, and its history is not of 1 to {Epoch}.";
        if (Running.Rows < 0 || (Running.Rows > 0) != (Step > 0))
            return $"It has done {Step} steps of an epoch, and has seen {Running.Rows} images in them.";
        if (Best.BestNumber < 0 || Best.BestNumber > Epoch || Best.EpochsSinceMilestone < 0 || Best.EpochsSinceMilestone > Epoch)
            return $"It has done {Epoch} epochs; the best is number {Best.BestNumber}, and {Best.EpochsSinceMilestone} brought no gain.";
        // The best weights become the model's without passing through the network, which would find them wanting.
        var (weights, best) = (Group("weights"), Group("best"));
        return (Epoch > 0 ? weights : []).Select(Outline).SequenceEqual(best.Select(Outline))
            ? null
            : "The best epoch's weights are not of the same names, types and shapes as the network's.";

        static string Outline(NamedTensor tensor) => tensor.ToString();
    }

    private static bool HoldsNumbers(NamedTensor tensor)
    {
        foreach (var value in MemoryMarshal.Cast<byte, float>(tensor.Data.Span))
            if (!float.IsFinite(value))
                return false;
        return true;
    }
}

/// <summary>How the state is read and written; generated, so that nothing is looked up by reflection.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(TrainingState))]
internal sealed partial class TrainingStateJson : JsonSerializerContext;
