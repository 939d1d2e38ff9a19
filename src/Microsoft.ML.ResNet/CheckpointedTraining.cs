using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Training;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Keeps the checkpoints of one training, and finds the place to go on from. A checkpoint belongs to one training: it carries a fingerprint of
/// the data, the architecture and the recipe, and is refused by another.
/// </summary>
internal sealed class CheckpointedTraining
{
    private const string FingerprintPrefix = "of/";
    private const string SeedFact = "seed";

    private readonly IChannel _channel;
    private readonly CheckpointFolder _folder;
    private readonly SortedDictionary<string, string> _fingerprint;
    private readonly TimeSpan? _interval;
    private readonly Stopwatch _sinceLast = Stopwatch.StartNew();

    /// <param name="channel">Where warnings go.</param>
    /// <param name="folder">The folder of the checkpoints.</param>
    /// <param name="interval">Time between checkpoints within an epoch; <see langword="null"/> for none.</param>
    /// <param name="fingerprint">What must be equal for a checkpoint to fit.</param>
    public CheckpointedTraining(IChannel channel, string folder, TimeSpan? interval, IEnumerable<(string Name, string Value)> fingerprint)
    {
        _channel = channel;
        _folder = new CheckpointFolder(folder);
        _interval = interval;
        _fingerprint = new(fingerprint.ToDictionary(fact => fact.Name, fact => fact.Value), StringComparer.Ordinal);
    }

    /// <summary>What tells one training from another.</summary>
    public static IEnumerable<(string Name, string Value)> Fingerprint(ResNetArchitecture architecture, TrainingRecipe recipe, LabeledImageSet train, LabeledImageSet? validation, int classes, int seed)
    {
        yield return ("architecture", Facts.Describe(architecture));
        yield return ("classes", Facts.Describe(classes));
        yield return (SeedFact, Facts.Describe(seed));
        yield return ("training images", Digest(train));
        yield return ("validation images", validation is null ? "none" : Digest(validation));
        foreach (var property in typeof(TrainingRecipe).GetProperties().Where(property => property.GetMethod is { IsStatic: false }))
            yield return (property.Name, Facts.Describe(property.GetValue(recipe)));
    }

    /// <summary>The seed of the newest checkpoint in a folder; <see langword="null"/> if there is none.</summary>
    public static int? FindSeed(IChannel channel, string folder)
        => new CheckpointFolder(folder).ReadNewest(message => channel.Warning(message))?.Metadata.GetValueOrDefault(FingerprintPrefix + SeedFact) is { } text && int.TryParse(text, CultureInfo.InvariantCulture, out var seed) ? seed : null;

    /// <summary>Finds the state to go on from.</summary>
    /// <param name="resume">Whether to go on at all; without it, checkpoints must not be there.</param>
    /// <returns>The state; <see langword="null"/> to start from the beginning.</returns>
    /// <exception cref="InvalidOperationException">There are checkpoints, and they are of another training, or nobody asked to go on from them.</exception>
    public TrainingState? Find(bool resume)
    {
        if (!resume)
            return !_folder.HasCheckpoints ? null : throw _channel.Except(
                "CheckpointDirectory holds checkpoints of an earlier training. Set Resume to go on from the newest, or choose an empty directory.");
        if (_folder.ReadNewest(message => _channel.Warning(message)) is not { } newest)
            return null;

        var found = newest.Metadata.Where(pair => pair.Key.StartsWith(FingerprintPrefix, StringComparison.Ordinal)).ToDictionary(pair => pair.Key[FingerprintPrefix.Length..], pair => pair.Value);
        var differences = _fingerprint.Where(fact => found.GetValueOrDefault(fact.Key) != fact.Value)
            .Select(fact => $"{fact.Key} is {fact.Value}, in the checkpoint {found.GetValueOrDefault(fact.Key, "not known")}").ToList();
        if (differences.Count > 0)
            throw _channel.Except($"The checkpoint '{newest.Path}' is of another training: {string.Join("; ", differences)}. Train with the same data and options, or choose an empty CheckpointDirectory.");
        var state = TrainingState.Read(newest.Metadata, newest.Tensors);
        _channel.Info($"Resuming from '{newest.Path}': {state.Epoch} epochs and {state.Step} steps are done.");
        return state;
    }

    /// <summary>Writes a checkpoint if the interval has passed.</summary>
    public void AfterStep(Func<TrainingState> copyState)
    {
        if (_interval is { } interval && _sinceLast.Elapsed >= interval)
            Write(copyState());
    }

    /// <summary>Writes a checkpoint. A failure is a warning: training is worth more than its checkpoint.</summary>
    public void Write(TrainingState state)
    {
        try
        {
            var metadata = state.Metadata();
            foreach (var (name, value) in _fingerprint)
                metadata[FingerprintPrefix + name] = value;
            _folder.Write(state.OptimizerSteps, metadata, state.Tensors);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _channel.Warning($"The checkpoint could not be written; training goes on, and the checkpoints of before are untouched. {e.Message}");
        }
        _sinceLast.Restart();
    }

    private static string Digest(LabeledImageSet set)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var rows = (int)Math.Clamp(64 * ImageMemory.MiB / set.Shape.Size, 1, 1024); // Tensor.bytes reaches 2 GiB at most
        for (var first = 0; first < set.Store.Count; first += rows)
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            var batch = set.Store.Slice(first, Math.Min(rows, set.Store.Count - first));
            hash.AppendData(batch.Pixels.bytes);
            hash.AppendData(batch.Labels.bytes);
            if (batch.Weights is { } weights)
                hash.AppendData(weights.bytes);
        }
        return $"{set.Store.Count} of {set.Shape} with SHA-256 {Convert.ToHexStringLower(hash.GetHashAndReset())}";
    }
}
