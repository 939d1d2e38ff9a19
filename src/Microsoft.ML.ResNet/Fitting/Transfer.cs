using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Fitting;

/// <summary>Training that starts from another model's weights, and may keep the first of them.</summary>
/// <param name="channel">Where reports go.</param>
/// <param name="initial">The other model.</param>
/// <param name="frozenStages">Stages that stay as they are, besides the stem; <see langword="null"/> where nothing does.</param>
internal sealed class Transfer(IChannel channel, TrainedResNet initial, int? frozenStages)
{
    /// <summary>Checks that no stem will be frozen that has yet to be drawn.</summary>
    /// <param name="shape">The training images; <see langword="null"/> where only reading them tells.</param>
    /// <exception cref="ArgumentOutOfRangeException">It would be.</exception>
    public void CheckStem(ImageShape? shape)
    {
        if (frozenStages is { } stages && shape is { } found && found.Channels != initial.Shape.Channels)
            throw channel.ExceptParam("input",
                $"The training images are {found}, those of InitialModel {initial.Shape}: other channels need a new first "
                + $"convolution, which FrozenStages ({stages}) would freeze untrained. Unset FrozenStages, or train on images of "
                + $"{initial.Shape.Channels} channels.");
    }

    /// <summary>Finds what the model gives to a training, and reports it.</summary>
    /// <param name="shape">The training images.</param>
    /// <param name="classes">The classes to train for.</param>
    public InitialWeights Find(ImageShape shape, ClassLabels classes)
    {
        CheckStem(shape);
        var weights = InitialWeights.Of(initial, shape.Channels, classes, frozenStages);
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
    /// The images under the normalisation that the initial weights were trained with, or under their own where the channels differ.
    /// </summary>
    public LabeledImageSet Normalize(LabeledImageSet images)
        => initial.Shape.Channels == images.Shape.Channels ? images with { Normalization = initial.Normalization } : images;

    /// <summary>Gives a network whose weights have been drawn those that the training starts from, and freezes its first stages.</summary>
    public void Begin(ResidualNetwork network, InitialWeights weights)
    {
        weights.LoadInto(network);
        if (frozenStages is { } stages)
            network.Freeze(stages);
    }
}
