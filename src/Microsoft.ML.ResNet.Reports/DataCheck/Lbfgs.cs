using System.Numerics.Tensors;

namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>
/// Limited-memory BFGS (Nocedal, "Updating quasi-Newton matrices with limited storage", 1980) with a backtracking line search: minimises a
/// smooth function of many variables.
/// </summary>
internal static class Lbfgs
{
    private const int Memory = 10;
    private const int MostHalvings = 20;
    private const float SufficientDecrease = 1e-4f; // Armijo's constant, as textbooks have it

    /// <summary>A function: its value at a place, with the gradient written into a buffer.</summary>
    public delegate double Function(ReadOnlySpan<float> place, Span<float> gradient);

    /// <summary>Minimises.</summary>
    /// <param name="place">Where to begin; receives the minimum.</param>
    /// <param name="function">The function.</param>
    /// <param name="iterations">Steps at most.</param>
    /// <param name="tolerance">The relative decrease of a step at which it ends.</param>
    /// <param name="cancellation">Stops before the next step.</param>
    public static void Minimise(float[] place, Function function, int iterations, double tolerance, CancellationToken cancellation)
    {
        var (gradient, next, nextGradient, direction)
            = (new float[place.Length], new float[place.Length], new float[place.Length], new float[place.Length]);
        var pairs = new LinkedList<(float[] Step, float[] Change, float Curvature)>();
        var value = function(place, gradient);
        for (var iteration = 0; iteration < iterations; iteration++)
        {
            cancellation.ThrowIfCancellationRequested();
            Descend(gradient, pairs, direction);
            var slope = TensorPrimitives.Dot<float>(direction, gradient);
            if (slope >= 0)
                return;
            var length = pairs.Count == 0 ? 1 / Math.Max(1, TensorPrimitives.Norm<float>(gradient)) : 1;
            var nextValue = double.PositiveInfinity;
            for (var halving = 0; halving < MostHalvings; halving++, length /= 2)
            {
                TensorPrimitives.MultiplyAdd<float>(direction, length, place, next);
                nextValue = function(next, nextGradient);
                if (nextValue <= value + SufficientDecrease * length * slope)
                    break;
            }
            if (!(nextValue < value))
                return;
            Remember(pairs, place, next, gradient, nextGradient);
            next.CopyTo(place, 0);
            (gradient, nextGradient) = (nextGradient, gradient);
            var isDone = value - nextValue <= tolerance * Math.Max(1e-12, Math.Abs(value));
            value = nextValue;
            if (isDone)
                return;
        }
    }

    private static void Descend(float[] gradient, LinkedList<(float[] Step, float[] Change, float Curvature)> pairs, float[] direction)
    {
        TensorPrimitives.Negate<float>(gradient, direction);
        var weights = new Stack<float>();
        foreach (var (step, change, curvature) in pairs)
        {
            weights.Push(TensorPrimitives.Dot<float>(step, direction) / curvature);
            TensorPrimitives.MultiplyAdd<float>(change, -weights.Peek(), direction, direction);
        }
        if (pairs.First is { Value: var newest })
            TensorPrimitives.Multiply<float>(direction, newest.Curvature / TensorPrimitives.SumOfSquares<float>(newest.Change), direction);
        for (var pair = pairs.Last; pair is not null; pair = pair.Previous)
        {
            var weight = weights.Pop() - TensorPrimitives.Dot<float>(pair.Value.Change, direction) / pair.Value.Curvature;
            TensorPrimitives.MultiplyAdd<float>(pair.Value.Step, weight, direction, direction);
        }
    }

    // The newest first. A pair that bends the wrong way would spoil the next direction.
    private static void Remember(LinkedList<(float[] Step, float[] Change, float Curvature)> pairs, float[] place, float[] next,
        float[] gradient, float[] nextGradient)
    {
        var (step, change) = (new float[place.Length], new float[place.Length]);
        TensorPrimitives.Subtract<float>(next, place, step);
        TensorPrimitives.Subtract<float>(nextGradient, gradient, change);
        var curvature = TensorPrimitives.Dot<float>(step, change);
        if (curvature > 1e-10f)
            pairs.AddFirst((step, change, curvature));
        if (pairs.Count > Memory)
            pairs.RemoveLast();
    }
}
