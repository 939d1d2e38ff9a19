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
    private static readonly Lazy<Task> _compiled = new(() => Task.Run(TryScore));

    /// <summary>Begins to compile, once in a process. Where code is compiled before it is run at all, or nothing runs beside, does nothing.</summary>
    /// <returns>The end of it; never a failure.</returns>
    public static Task CompileAhead()
        => RuntimeFeature.IsDynamicCodeCompiled && Environment.ProcessorCount > 1 ? _compiled.Value : Task.CompletedTask;

    /// <summary>Sends an image of zeros through a tiny network of zeros, which has most kinds of layers.</summary>
    /// <returns>Its two scores, before softmax.</returns>
    public static float[] Score()
    {
        var plan = NetworkPlan.Of(ResNetArchitecture.Cifar(8), new ImageShape(3, 16, 16), classes: 2); // maps for tiles of 4x4, 2x2 and none
        var weights = plan.State.ToDictionary(entry => entry.Name,
            entry => new NamedTensor(entry.Name, entry.Type, entry.Shape, new byte[entry.Length * sizeof(float)]), StringComparer.Ordinal);
        using var network = new InferenceNetwork(plan, new FoldedWeights(weights), new Normalization([0, 0, 0], [1, 1, 1]),
            TileKernel.Fastest, threads: 1);
        var scores = new float[2];
        network.Run(new byte[plan.Image.Size], 1, plan.Steps[^1], scores);
        return scores;
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
