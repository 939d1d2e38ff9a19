using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using Microsoft.ML.ResNet.Fitting;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Training;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet;

/// <content>What several processes that train together have to agree on.</content>
public sealed partial class ResNetTrainer
{
    private volatile bool _isCancelledElsewhere;

    private ProcessGroup? Processes => _options.ProcessGroup is { Size: > 1 } group ? group : null;

    private bool IsFirst => Processes is null or { Rank: 0 };

    // Nobody waits for a process that has failed on its own: it says why, and all end.
    private T EndTogether<T>(Func<T> work)
    {
        _isCancelledElsewhere = false;
        try
        {
            return work();
        }
        catch (Exception e) when (Processes is not null && !ProcessGroup.IsAgreed(e))
        {
            Processes.Fail(e.Message);
            throw;
        }
    }

    // What one process has thrown by itself ends all: the others go on and would wait for it.
    private bool IsCancellationOf(Exception e) => IsCancelled && (Processes is null || ProcessGroup.IsAgreed(e));

    private T Together<T>(Func<T> work) => Processes is { } processes ? processes.Agree(work) : work();

    private void CheckAliveTogether()
    {
        if (Processes is not { } processes)
        {
            CheckAlive();
            return;
        }
        if (!processes.Any(IsCancelled))
            return;
        _isCancelledElsewhere = true;
        throw ProcessGroup.Agreed(new OperationCanceledException(_options.CancellationToken));
    }

    // Before anything is read: what differs shows within a second.
    private void CheckSameTraining(ClassLabels classes)
    {
        if (Processes is not { } processes)
            return;
        if (processes.Size > _options.Recipe.BatchShards)
            throw ProcessGroup.Agreed(_host.Except(
                $"{processes.Size} processes cannot share a batch of {_options.Recipe.BatchShards} shards; each computes one at least. Set "
                + $"BatchShards of the recipe to {processes.Size} or more, or start fewer processes."));
        var assembly = typeof(ResNetTrainer).Assembly;
        processes.CheckEqual(
        [
            ("version", $"{assembly.GetName().Version} ({assembly.ManifestModule.ModuleVersionId}, "
                + $"{typeof(TrainedResNet).Module.ModuleVersionId})"),
            ("vector width", Vector512.IsHardwareAccelerated ? "512 bits" : Vector256.IsHardwareAccelerated ? "256 bits" : "less"),
            ("device", $"{_options.Device}"),
            ("kernels", $"{_options.Numerics ?? ResNetRuntime.Options.Numerics}"),
            ("geometry", _options.ImageGeometry is { } geometry ? ImageGeometryText.Print(geometry) : "not set"),
            ("image size", $"{_options.ImageChannels} x {_options.ImageHeight} x {_options.ImageWidth}"),
            ("held-out part", ValueFingerprint.Describe(_options.ValidationSetFraction)),
            ("checkpoints", _options.CheckpointDirectory is null ? "none" : _options.Resume ? "gone on from" : "begun"),
            ("cancellation", $"{_options.CancellationBehavior}"),
            ("class names", string.Join(", ", classes.Names)),
            .. CheckpointSession.Fingerprint(_options.Architecture, _options.Recipe, classes.Count, _options.Seed ?? 0),
            .. CheckpointSession.Fingerprint(_options.InitialModel?.Network, _options.FrozenStages),
        ]);
    }

    // A wish such as Auto need not end with the same device everywhere.
    private Device CheckSameDevice(Device device)
    {
        Processes?.CheckEqual([("the device", device.type.ToString())]);
        return device;
    }

    private int SeedOfAll(int own)
        => Processes is { } processes ? BitConverter.ToInt32(processes.FromFirst(BitConverter.GetBytes(own))) : own;

    private TrainingState? StateOfAll(TrainingState? own)
    {
        if (Processes is not { } processes)
            return own;
        var bytes = processes.FromFirst(own is null ? [] : TrainingStateBytes.Write(own));
        return bytes.Length == 0 ? null : own ?? TrainingStateBytes.Read(bytes);
    }

    // Weights that have come apart would spoil the training without a word.
    private void CheckSameWeights(EpochReport report, Lazy<TrainingState> state)
    {
        if (Processes is not { } processes)
            return;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tensor in state.Value.Group("weights"))
            hash.AppendData(tensor.Data.Span);
        processes.CheckEqual([($"the hash of the weights after epoch {report.Epoch}", Convert.ToHexStringLower(hash.GetHashAndReset()))]);
    }
}
