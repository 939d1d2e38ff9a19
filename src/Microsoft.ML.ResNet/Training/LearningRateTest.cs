using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// Smith's range test (2015, arXiv:1506.01186, section 3.3): a short training whose rate grows from step to step, and the loss of every
/// step. It is the same <see cref="TrainingLoop"/> as any training's, under a schedule of its own.
/// </summary>
internal static class LearningRateTest
{
    private const double Diverged = 4; // times the lowest smoothed loss: fastai's limit too

    /// <summary>The recipe of a range test.</summary>
    /// <param name="recipe">How the images will be trained on; its base rate and schedule do not matter.</param>
    /// <param name="range">The rates.</param>
    /// <param name="rows">Training images.</param>
    /// <param name="shape">Their shape.</param>
    public static TrainingRecipe Recipe(TrainingRecipe recipe, LearningRateRange range, int rows, ImageShape shape)
    {
        var test = (recipe with { LearningRate = range.Most }).For(rows, shape);
        var stepsPerEpoch = BatchOrder.Count(rows, test.BatchSize);
        var epochs = (range.Steps + stepsPerEpoch - 1) / stepsPerEpoch;
        return test with
        {
            NumberOfEpochs = epochs,
            Schedule = new ExponentialSchedule(range.Least / range.Most, (range.Steps - 1.0) / (epochs * stepsPerEpoch)),
            NormStatistics = NormStatistics.Running, // nothing is evaluated
            WeightAverageDecay = null,
            EarlyStopping = null,
        };
    }

    /// <summary>Trains until the rates are through, or the loss is far above its lowest.</summary>
    /// <param name="network">The network, whose weights are spoilt; it stays the caller's.</param>
    /// <param name="recipe">What <see cref="Recipe"/> gave.</param>
    /// <param name="range">The rates.</param>
    /// <param name="images">The images, on the network's device.</param>
    /// <param name="normalization">Makes pixels the network's input.</param>
    /// <param name="seed">Decides the order of images and their augmentation.</param>
    /// <param name="events">What happens outside; told of steps as if all were one epoch's.</param>
    /// <param name="settings">How it is computed.</param>
    /// <returns>The rates that were tried, by the recipe's base rate, and the loss of each one's batch in nats.</returns>
    public static IReadOnlyList<(double Rate, double Loss)> Run(ResidualNetwork network, TrainingRecipe recipe, LearningRateRange range,
        PixelStore images, Normalization normalization, int seed, TrainingEvents events, TrainingSettings settings)
    {
        var (points, before, smooth, lowest) = (new List<(double Rate, double Loss)>(), default(RunningMean.Sums), new SmoothLoss(),
            double.PositiveInfinity);
        var all = default(RunningMean.Sums);
        using var loop = new TrainingLoop(network, recipe, normalization, seed, events with
        {
            StepEnded = (position, read) =>
            {
                var sums = read();
                before = position.Step == 1 ? default : before;
                var batch = new RunningMean.Sums(sums.Loss - before.Loss, sums.Right - before.Right, sums.Rows - before.Rows);
                (before, all) = (sums, new(all.Loss + batch.Loss, all.Right + batch.Right, all.Rows + batch.Rows));
                points.Add((RateOf(points.Count, range), batch.Loss / batch.Rows));
                events.StepEnded?.Invoke(new TrainingPosition(1, 1, points.Count, range.Steps), () => all);
                var now = smooth.Add(points[^1].Loss);
                lowest = Math.Min(lowest, now);
                if (points.Count == range.Steps || !(now <= Diverged * lowest))
                    throw new EndOfTestException();
            },
        }, settings);
        try
        {
            loop.Run(images, validation: null);
        }
        catch (Exception end) when (end is EndOfTestException or DivergenceException)
        {
            // As it should end; a step whose loss is no number leaves no point.
        }
        return points;
    }

    private static double RateOf(int step, LearningRateRange range)
        => range.Least * Math.Pow(range.Most / range.Least, step / (range.Steps - 1.0));

    private sealed class EndOfTestException : Exception;
}
