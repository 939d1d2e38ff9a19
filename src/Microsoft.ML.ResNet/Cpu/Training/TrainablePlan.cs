using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Training;

/// <summary>
/// What <see cref="TrainingNetwork"/> can train: all that learns, but the classifier, are convolutions with batch normalisation (those past
/// a block may be without), shortcuts that make an input wider, and perhaps the stem's max pooling, of maps that are not too large.
/// Channels come in multiples of 16, but for the images' own; where others would do, they are made wider by channels of zeros.
/// </summary>
internal static class TrainablePlan
{
    private const int Block = 16; // channels

    /// <summary>Whether a network can be trained.</summary>
    /// <param name="plan">The network.</param>
    /// <param name="frozenStages">Stages that are not trained; see <see cref="Trained"/>.</param>
    public static bool IsSupported(NetworkPlan plan, int? frozenStages)
    {
        var steps = Trained(plan, frozenStages).ToList();
        return steps.Count > 0 && (steps.All(HasKernels) || Widened(plan, frozenStages) is not null);
    }

    /// <summary>All steps that train, from the first to the last in front of the head.</summary>
    /// <param name="plan">The network.</param>
    /// <param name="frozenStages">
    /// Stages behind the stem that are not trained. 0 freezes the stem alone; <see langword="null"/> freezes nothing.
    /// </param>
    public static IEnumerable<PlanStep> Trained(NetworkPlan plan, int? frozenStages)
        => plan.Steps.Where(step => step is not (ImageStep or AveragePoolStep or LinearStep) && step.Stage > (frozenStages ?? -1));

    /// <summary>The names of the parameters that are trained.</summary>
    public static IEnumerable<string> ParametersOf(NetworkPlan plan, int? frozenStages)
        => StateOf(plan, frozenStages).Where(entry => entry.IsParameter).Select(entry => entry.Name);

    /// <summary>The parameters that are trained, and the running statistics beside them.</summary>
    public static IEnumerable<StateEntry> StateOf(NetworkPlan plan, int? frozenStages)
        => Trained(plan, frozenStages).SelectMany(step => step.Layers()).SelectMany(layer => layer.State);

    /// <summary>
    /// The network that is computed in place of one with other channels: as many of zeros behind those of each map as make sixteens, the
    /// map that frozen stages deliver included. What enters a shortcut that makes its input wider cannot be made so, because that puts
    /// channels in front of its input's.
    /// </summary>
    /// <returns><see langword="null"/> where none is needed, or none can be.</returns>
    public static NetworkPlan? Widened(NetworkPlan plan, int? frozenStages)
    {
        var trained = Trained(plan, frozenStages).ToList();
        if (trained.Count == 0 || trained.All(HasKernels))
            return null;
        var map = new Dictionary<PlanStep, PlanStep>();
        foreach (var step in plan.Steps)
            map[step] = trained.Contains(step) || step == trained[0].Input ? Widened(step, map) : step;
        var steps = trained.Select(step => map[step]);
        return steps.All(HasKernels) ? new NetworkPlan([.. plan.Steps.Select(step => map[step])]) : null;
    }

    private static PlanStep Widened(PlanStep step, Dictionary<PlanStep, PlanStep> map)
    {
        if (step is ImageStep)
            return step;
        var (input, output) = (map[step.Input], step.Output with { Channels = (step.Output.Channels + Block - 1) / Block * Block });
        return step switch
        {
            ConvolutionStep convolution => new ConvolutionStep(step.Name, step.Block, step.Stage, input, output, convolution.Kernel,
                convolution.Stride)
            {
                HasBias = convolution.HasBias,
                Norm = convolution.Norm,
                Adds = convolution.Adds is { } added ? map[added] : null,
                Rectifies = convolution.Rectifies,
                IsShortcut = convolution.IsShortcut,
            },
            MaxPoolStep => new MaxPoolStep(step.Name, step.Block, step.Stage, input, output),
            _ => step, // has no kernels where its channels are others
        };
    }

    private static bool HasKernels(PlanStep step)
        => step is MaxPoolStep { Input: ConvolutionStep { Rectifies: true, Adds: null } }
            || step is ChannelPaddingStep { ChannelsBefore: >= 0 } padding // between the channels of its block's convolutions
                && padding.Input.Output.Channels % Block == 0 && padding.Output.Channels % Block == 0
            || step is ConvolutionStep convolution
            && (convolution.IsShortcut || convolution is { Rectifies: true, Norm: not null })
            && convolution.Output.Channels % Block == 0
            && (convolution.Input is ImageStep || convolution.Input.Output.Channels % Block == 0)
            && PaddedLength(convolution.Input.Output, convolution.Padding) <= ConvolutionShape.LargestMap
            && PaddedLength(convolution.Output, convolution.Padding) <= ConvolutionShape.LargestMap;

    private static long PaddedLength(ImageShape map, int padding)
        => (map.Height + 2L * padding) * (map.Width + 2L * padding) * map.Channels;
}
