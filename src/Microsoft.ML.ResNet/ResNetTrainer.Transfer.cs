using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Fitting;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet;

/// <content>Training that starts from another model's weights, and may keep the first of them.</content>
public sealed partial class ResNetTrainer
{
    /// <summary>Checks that no stem will be frozen that has yet to be drawn.</summary>
    /// <param name="shape">The training images; <see langword="null"/> where only reading them tells.</param>
    private void CheckFrozenStem(ImageShape? shape)
    {
        if (_options is { FrozenStages: { } stages, InitialModel.ImageShape: var initial } && shape is { } found
            && found.Channels != initial.Channels)
            throw _host.ExceptParam("input",
                $"The training images are {found}, those of InitialModel {initial}: other channels need a new first convolution, which "
                + $"FrozenStages ({stages}) would freeze untrained. Unset FrozenStages, or train on images of {initial.Channels} "
                + "channels.");
    }

    /// <summary>
    /// Finds what <see cref="Options.InitialModel"/> gives to a training, and reports it; <see langword="null"/> for training from scratch.
    /// </summary>
    private InitialWeights? FindInitialWeights(IChannel channel, ImageShape shape, ClassLabels classes)
    {
        if (_options.InitialModel?.Network is not { } initial)
            return null;
        CheckFrozenStem(shape);
        var weights = InitialWeights.Of(initial, shape.Channels, classes, _options.FrozenStages);
        var drawn = weights.Report.IsExact ? "" : " What does not match is drawn from the seed.";
        channel.Info($"Starting from InitialModel: {weights.Report}.{drawn}");
        if (!initial.Classes.Names.SequenceEqual(classes.Names)
            && initial.Classes.Names.ToHashSet(StringComparer.Ordinal).SetEquals(classes.Names))
            channel.Warning(
                "The classes are those of InitialModel in another order, so its head is not kept. Map labels with MapLabelToKey(model) to "
                + "keep it.");
        return weights;
    }

    /// <summary>
    /// The images under the normalisation that the initial weights were trained with; under their own where the channels differ, or from
    /// scratch.
    /// </summary>
    private LabeledImageSet AsInitialModelSees(LabeledImageSet images)
        => _options.InitialModel?.Network is { } initial && initial.Shape.Channels == images.Shape.Channels
            ? images with { Normalization = initial.Normalization }
            : images;

    /// <summary>Gives a network whose weights have been drawn those that the training starts from, and freezes its first stages.</summary>
    private void Begin(ResidualNetwork network, InitialWeights? weights)
    {
        weights?.LoadInto(network);
        if (_options.FrozenStages is { } stages)
            network.Freeze(stages);
    }

    public sealed partial class Options
    {
        private IEnumerable<string> TransferProblems()
        {
            if (InitialModel is not null && Architecture is not null && Architecture != InitialModel.Architecture
                && Architecture != DefaultArchitecture)
                yield return $"Architecture is {Architecture.Name}, that of InitialModel {InitialModel.Architecture.Name}; they must be "
                    + "equal, or Architecture unset.";
            if (FrozenStages is not null && InitialModel is null)
                yield return $"FrozenStages is {FrozenStages}, but InitialModel is unset; weights that were never trained are not worth "
                    + "keeping.";
            else if (FrozenStages < 0 || FrozenStages > InitialModel?.Architecture.Stages.Count)
                yield return $"FrozenStages is {FrozenStages}; it must be from 0 (the stem) to {InitialModel?.Architecture.Stages.Count} "
                    + $"(all stages of {InitialModel?.Architecture.Name}), or unset.";
        }
    }
}
