using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>The classifier of a network, applied to each place of the last feature map instead of to its mean.</summary>
/// <param name="model">The network.</param>
internal sealed class ClassActivations(TrainedResNet model)
{
    private readonly FoldedConvolution _classifier = FoldedWeights.Of(model).Of(model.Plan.Classifier);
    private readonly ImageShape _shape = model.Plan.StepOf(NetworkOutput.LastMap).Output;

    /// <summary>The map of a class.</summary>
    /// <param name="lastMap">The last feature map of an image, in the order height x width x channels.</param>
    /// <param name="classIndex">The class, from 0.</param>
    /// <param name="area">The part of the picture that the image is.</param>
    public ActivationMap Of(ReadOnlySpan<float> lastMap, int classIndex, PictureArea area)
    {
        var channels = _shape.Channels;
        var weights = _classifier.Unscaled.Slice(classIndex * channels, channels);
        var values = new float[_shape.PlaneSize];
        for (var place = 0; place < values.Length; place++)
            values[place] = Dot(lastMap.Slice(place * channels, channels), weights);
        return new(classIndex, model.Classes.Names[classIndex], _shape.Height, _shape.Width, values,
            Floats(_classifier.Bias!.Value)[classIndex], area);
    }

    private static float Dot(ReadOnlySpan<float> features, ReadOnlySpan<float> weights)
    {
        var sum = 0.0;
        for (var i = 0; i < features.Length; i++)
            sum += features[i] * (double)weights[i];
        return (float)sum;
    }

    private static ReadOnlySpan<float> Floats(ReadOnlyMemory<byte> bytes) => MemoryMarshal.Cast<byte, float>(bytes.Span);
}
