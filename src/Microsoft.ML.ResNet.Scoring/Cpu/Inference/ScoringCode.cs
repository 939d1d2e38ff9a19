using System.Runtime.CompilerServices;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// Has the runtime compile what scores while the first model of the process is being read, on a thread beside: the first prediction would
/// wait for it, 50 ms and more.
/// </summary>
internal static class ScoringCode
{
    private static readonly Lazy<Task> Compiled = new(Begin);

    /// <summary>Begins to compile, once in a process; does nothing where all code is compiled already, or one processor does all.</summary>
    /// <returns>The end of it; never a failure.</returns>
    public static Task CompileAhead()
        => RuntimeFeature.IsDynamicCodeCompiled && Environment.ProcessorCount > 1 ? Compiled.Value : Task.CompletedTask;

    /// <summary>Sends an image of zeros through a tiny network of zeros, which has most kinds of layers.</summary>
    /// <returns>Its two scores, before softmax.</returns>
    public static float[] Score()
    {
        // 16x16 pixels are for tiles of 4x4, and half of that for 2x2
        var plan = NetworkPlan.Of(ResNetArchitecture.Cifar(8), new ImageShape(3, 16, 16), classes: 2);
        var weights = plan.State.ToDictionary(entry => entry.Name,
            entry => new NamedTensor(entry.Name, entry.Type, entry.Shape, new byte[entry.Length * sizeof(float)]), StringComparer.Ordinal);
        using var network = new InferenceNetwork(plan, new FoldedWeights(weights), new Normalization([0, 0, 0], [1, 1, 1]),
            TileKernel.Fastest, threads: 1);
        var scores = new float[2];
        network.Run(new byte[plan.Image.Size], 1, plan.Steps[^1], scores);
        return scores;
    }

    private static Task Begin()
    {
        try
        {
            return Task.Run(TryScore);
        }
        catch (OutOfMemoryException)
        {
            return Task.CompletedTask;
        }
    }

    private static void TryScore()
    {
        try
        {
            Score();
        }
#pragma warning disable CA1031 // nobody has asked for it; whatever is wrong, such as too little memory, the first prediction tells
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }
}
