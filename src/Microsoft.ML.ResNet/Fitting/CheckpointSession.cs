using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Fitting;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Training;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Keeps the checkpoints of one training, and finds the place to go on from. A checkpoint belongs to one training: it carries a fingerprint
/// of the data, the architecture and the recipe, and is refused by another.
/// </summary>
internal sealed class CheckpointSession : IDisposable
{
    private const string FingerprintPrefix = "of/";
    private const string SeedFact = "seed";
    private const string ImagesKey = "images";

    private readonly IChannel _channel;
    private readonly CheckpointFolder _folder;
    private readonly TimeSpan? _interval;
    private readonly Stopwatch _sinceLast = Stopwatch.StartNew();
    private SortedDictionary<string, string> _fingerprint = [];
    private readonly IDisposable? _lock;
    private LearntImages? _images;
    private Checkpoint? _newest;
    private string? _resumedFrom;

    /// <summary>
    /// Looks into the folder, before anything else is done: it may hold the training to go on with, or one that nobody wants to lose.
    /// </summary>
    /// <param name="channel">Where warnings go.</param>
    /// <param name="folder">The folder of the checkpoints.</param>
    /// <param name="interval">Time between checkpoints within an epoch; <see langword="null"/> for none.</param>
    /// <param name="resume">Whether to go on from the newest checkpoint; without it, checkpoints must not be there.</param>
    /// <exception cref="InvalidOperationException">
    /// There are checkpoints, and nobody asked to go on from them; or another training has the folder.
    /// </exception>
    /// <exception cref="IOException">A checkpoint or the folder cannot be read; nothing has changed.</exception>
    /// <exception cref="UnauthorizedAccessException">A checkpoint or the folder must not be read.</exception>
    public CheckpointSession(IChannel channel, string folder, TimeSpan? interval, bool resume)
    {
        _channel = channel;
        _folder = new CheckpointFolder(folder);
        _interval = interval;
        if (!_folder.TryLock(out _lock))
            throw _channel.Except($"Another training is running with the CheckpointDirectory '{folder}'. Give each training a folder of "
                + "its own, or wait until the other has ended.");
        try
        {
            Look(resume);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private void Look(bool resume)
    {
        if (!resume && _folder.HasCheckpoints)
            throw _channel.Except(
                "CheckpointDirectory holds checkpoints of an earlier training. Set Resume to go on from the newest, or choose an empty "
                + "directory.");
        _newest = resume ? _folder.ReadNewest(message => _channel.Warning(message)) : null;
        if (_folder.WhyNotWritable() is { } reason)
            _channel.Warning(
                $"CheckpointDirectory cannot be written to; training goes on, without checkpoints for as long as that lasts. {reason}");
    }

    /// <summary>The seed of the checkpoint to go on from; <see langword="null"/> if there is none.</summary>
    public int? Seed => _newest?.Metadata.GetValueOrDefault(FingerprintPrefix + SeedFact) is { } text
        && int.TryParse(text, CultureInfo.InvariantCulture, out var seed) ? seed : null;

    /// <summary>What tells one training from another, but for its images.</summary>
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicProperties, typeof(ResNetArchitecture))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicProperties, typeof(ResNetStage))]
    public static IEnumerable<(string Name, string Value)> Fingerprint(ResNetArchitecture architecture, TrainingRecipe recipe, int classes,
        int seed)
    {
        yield return ("architecture", ValueFingerprint.Describe(architecture));
        yield return ("classes", ValueFingerprint.Describe(classes));
        yield return (SeedFact, ValueFingerprint.Describe(seed));
        foreach (var property in typeof(TrainingRecipe).GetProperties().Where(property => property.GetMethod is { IsStatic: false }))
            yield return (property.Name, ValueFingerprint.Describe(property.GetValue(recipe)));
    }

    /// <summary>What tells images apart.</summary>
    public static IEnumerable<(string Name, string Value)> Fingerprint(LabeledImageSet train, LabeledImageSet? validation)
    {
        yield return ("training images", Digest(train));
        yield return ("validation images", validation is null ? "none" : Digest(validation));
    }

    /// <summary>What tells trainings apart that start from other weights, or freeze other stages.</summary>
    public static IEnumerable<(string Name, string Value)> Fingerprint(TrainedResNet? initial, int? frozenStages)
    {
        yield return ("initial weights", initial is null ? "none" : Digest(initial));
        yield return ("frozen stages", ValueFingerprint.Describe(frozenStages));
    }

    /// <summary>Takes in what a model must know of the images, for the checkpoints to be written.</summary>
    public void Remember(LearntImages images) => _images = images;

    /// <summary>Begins the training, or goes on with it. Called once.</summary>
    /// <param name="fingerprint">What must be equal for a checkpoint to fit.</param>
    /// <returns>The state to go on from; <see langword="null"/> to start from the beginning.</returns>
    /// <exception cref="InvalidOperationException">The checkpoint is of another training, or holds no state of one.</exception>
    public TrainingState? Begin(IEnumerable<(string Name, string Value)> fingerprint)
    {
        _fingerprint = new(fingerprint.ToDictionary(fact => fact.Name, fact => fact.Value), StringComparer.Ordinal);
        if (_newest is not { } newest)
            return null;
        var state = StateOf(newest, _fingerprint);
        _newest = null; // its tensors are as large as the network
        _channel.Info($"Resuming from '{newest.Path}': {state.Epoch} epochs and {state.Step} steps are done.");
        return state;
    }

    /// <summary>
    /// What the checkpoint to go on from has finished, where training is cancelled before <see cref="Begin"/>, while the images are read.
    /// </summary>
    /// <param name="fingerprint">What must be equal for the checkpoint to fit, without what only the images tell.</param>
    /// <returns>The state and its images; <see langword="null"/> where no epoch was finished, or where an older version wrote it.</returns>
    /// <exception cref="InvalidOperationException">The checkpoint is of another training, or holds no state of one.</exception>
    public (TrainingState State, LearntImages Images)? Finished(Func<LearntImages, IEnumerable<(string Name, string Value)>> fingerprint)
    {
        if (_newest is not { } newest || !newest.Metadata.TryGetValue(ImagesKey, out var text))
            return null;
        _resumedFrom = newest.Path;
        var images = Understand(() => LearntImages.Parse(text));
        var state = StateOf(newest, fingerprint(images).ToDictionary(fact => fact.Name, fact => fact.Value));
        return state.Epoch > 0 ? (state, images) : null;
    }

    private TrainingState StateOf(Checkpoint checkpoint, IEnumerable<KeyValuePair<string, string>> fingerprint)
    {
        _resumedFrom = checkpoint.Path;
        var found = checkpoint.Metadata.Where(pair => pair.Key.StartsWith(FingerprintPrefix, StringComparison.Ordinal))
            .ToDictionary(pair => pair.Key[FingerprintPrefix.Length..], pair => pair.Value);
        var differing = fingerprint.Where(fact => found.GetValueOrDefault(fact.Key) != fact.Value).ToList();
        if (differing.Count > 0)
            throw _channel.Except($"The checkpoint '{checkpoint.Path}' is of another training: "
                + string.Join("; ", differing.Select(
                    fact => $"{fact.Key} is {fact.Value}, in the checkpoint {found.GetValueOrDefault(fact.Key, "not known")}"))
                + ". Train with the same data and options, or choose an empty CheckpointDirectory."
                + (differing.Exists(fact => fact.Key == nameof(TrainingRecipe.NumberOfEpochs))
                    ? " To train a finished model for more epochs, set InitialModel to it."
                    : ""));
        return Understand(() => TrainingState.Read(checkpoint.Metadata, checkpoint.Tensors));
    }

    /// <summary>Goes on from what <see cref="Begin"/> has returned.</summary>
    /// <param name="restore">Does it; a <see cref="FormatException"/> says what does not fit.</param>
    /// <exception cref="InvalidOperationException">The checkpoint does not fit the training; the message names the file.</exception>
    public void Restore(Action restore) => Understand(() =>
    {
        restore();
        return true;
    });

    /// <summary>Writes a checkpoint if the interval has passed.</summary>
    public void AfterStep(Func<TrainingState> copyState)
    {
        if (_interval is { } interval && _sinceLast.Elapsed >= interval)
            Write(copyState());
    }

    /// <summary>
    /// Writes a checkpoint. A failure is a warning: training is worth more than its checkpoint. A state that is no number any more is not
    /// written.
    /// </summary>
    public void Write(TrainingState state)
    {
        if (!state.IsFinite())
            return; // the loop is about to notice; the checkpoints of before are worth more
        try
        {
            var metadata = state.Metadata();
            metadata[ImagesKey] = _images!.ToString();
            foreach (var (name, value) in _fingerprint)
                metadata[FingerprintPrefix + name] = value;
            _folder.Write(state.OptimizerSteps, metadata, state.Tensors);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException) // the last: a header too long
        {
            _channel.Warning(
                $"The checkpoint could not be written; training goes on, and the checkpoints of before are untouched. {e.Message}");
        }
        _sinceLast.Restart();
    }

    /// <summary>Gives the folder back.</summary>
    public void Dispose() => _lock?.Dispose();

    private T Understand<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is FormatException or ArgumentException) // the latter: weights that do not fit the network
        {
            throw _channel.Except(e, $"The checkpoint '{_resumedFrom}' is whole, but training cannot go on from it: {e.Message} It was not "
                + "written by this training; move it away to go on from the one before, or choose an empty CheckpointDirectory.");
        }
    }

    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicProperties, typeof(Normalization))]
    private static string Digest(TrainedResNet model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tensor in model.Weights)
            hash.AppendData(tensor.Data.Span);
        return $"of {model.Architecture.Name} under {ValueFingerprint.Describe(model.Normalization)} with SHA-256 "
            + $"{Convert.ToHexStringLower(hash.GetHashAndReset())}";
    }

    private static string Digest(LabeledImageSet set)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var rows = (int)Math.Clamp(64 * ImageMemory.MiB / set.StoredShape.Size, 1, 1024); // Tensor.bytes reaches 2 GiB at most
        for (var first = 0; first < set.Store.Count; first += rows)
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            var batch = set.Store.Slice(first, Math.Min(rows, set.Store.Count - first));
            hash.AppendData(batch.Pixels.bytes);
            hash.AppendData(batch.Labels.bytes);
            if (batch.Weights is { } weights)
                hash.AppendData(weights.bytes);
        }
        return $"{set.Store.Count} of {set.Shape} with SHA-256 {Convert.ToHexStringLower(hash.GetHashAndReset())}"
            + (set.Store.Pictures is { } pictures ? $", {ImageGeometryText.Print(pictures.Target.Geometry)} of {set.StoredShape}, "
                + $"{Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<PictureSize>([.. pictures.Sizes])))}"
                : "");
    }
}
