using System.Numerics;
using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// A step of stochastic gradient descent in one pass over the weights of a layer, where single operations would take four; rounded where
/// libtorch's operations round, so that both give the same weights.
/// </summary>
/// <param name="Rate">The learning rate.</param>
/// <param name="Momentum">The part of the velocity that is kept.</param>
/// <param name="Nesterov">Whether to look ahead along the velocity.</param>
/// <param name="Decay">The part of each weight that is added to its gradient.</param>
internal readonly record struct SgdKernel(float Rate, float Momentum, bool Nesterov, float Decay)
{
    /// <summary>Moves the weights, and forgets the gradients while they are in the cache.</summary>
    /// <param name="weights">The weights.</param>
    /// <param name="gradients">Their gradients; zero afterwards.</param>
    /// <param name="velocities">Their velocities; zero before the first step.</param>
    public void Step(Span<float> weights, Span<float> gradients, Span<float> velocities)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(weights);
        var vectorGradients = MemoryMarshal.Cast<float, Vector<float>>(gradients[..weights.Length]);
        var vectorVelocities = MemoryMarshal.Cast<float, Vector<float>>(velocities[..weights.Length]);
        var (rate, momentum, decay) = (new Vector<float>(-Rate), new Vector<float>(Momentum), new Vector<float>(Decay));
        for (var i = 0; i < vectors.Length; i++)
        {
            var gradient = Vector.FusedMultiplyAdd(vectors[i], decay, vectorGradients[i]);
            vectorGradients[i] = Vector<float>.Zero;
            var velocity = vectorVelocities[i] = vectorVelocities[i] * momentum + gradient;
            vectors[i] = Vector.FusedMultiplyAdd(Nesterov
                ? Vector.FusedMultiplyAdd(velocity, momentum, gradient)
                : velocity, rate, vectors[i]);
        }
        for (var i = vectors.Length * Vector<float>.Count; i < weights.Length; i++)
        {
            var gradient = MathF.FusedMultiplyAdd(weights[i], Decay, gradients[i]);
            gradients[i] = 0;
            var velocity = velocities[i] = velocities[i] * Momentum + gradient;
            weights[i] = MathF.FusedMultiplyAdd(Nesterov
                ? MathF.FusedMultiplyAdd(velocity, Momentum, gradient)
                : velocity, -Rate, weights[i]);
        }
    }
}
