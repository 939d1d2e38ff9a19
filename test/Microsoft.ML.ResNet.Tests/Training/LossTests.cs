using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Training;

/// <summary>The loss of mixtures against cross-entropy with the mixed targets written out.</summary>
[TestClass]
public class LossTests
{
    private const int Rows = 7, Classes = 4;

    [TestMethod]
    [DataRow(0.0, false, 0.3)]
    [DataRow(0.1, false, 0.8)]
    [DataRow(0.2, true, 0.45)]
    [DataRow(0.0, true, 0.0)]
    [DataRow(0.0, true, 1.0)]
    public void Mixtures_are_measured_against_their_mixed_targets(double smoothing, bool weighted, double share)
    {
        var census = TensorCensus.Start();
        using (NewDisposeScope())
        {
            var (logits, batch, expected) = Case(smoothing, weighted, share);

            Assert.AreEqual(expected, Loss.Of(logits, batch, smoothing).item<float>(), 1e-5);
        }
        census.AssertNoSurvivors();
    }

    [TestMethod]
    public void Pieces_of_mixtures_add_up_to_the_whole()
    {
        using var scope = NewDisposeScope();
        var (logits, batch, expected) = Case(0.1, weighted: true, share: 0.6);

        var sum = new[] { new BatchPiece(0, 3, 0, 3), new BatchPiece(3, 4, 3, 4) }.Sum(piece => piece.Count
            * (double)Loss.Of(logits.narrow(0, piece.First, piece.Count), batch.Slice(piece), 0.1).item<float>());

        Assert.AreEqual(expected, sum / Rows, 1e-5);
    }

    private static (Tensor Logits, MixedBatch Batch, double Expected) Case(double smoothing, bool weighted, double share)
    {
        var random = new Random(3);
        var logits = Enumerable.Range(0, Rows * Classes).Select(_ => 4 * random.NextSingle() - 2).ToArray();
        long[] own = [.. Enumerable.Range(0, Rows).Select(_ => (long)random.Next(Classes))], other = [.. own.Reverse()];
        float[] ownWeights = [.. Enumerable.Range(0, Rows).Select(_ => weighted ? random.NextSingle() + 0.5f : 1)],
            otherWeights = [.. ownWeights.Reverse()];

        var expected = 0.0;
        for (var row = 0; row < Rows; row++)
            for (var label = 0; label < Classes; label++)
            {
                var logProbability = logits[row * Classes + label]
                    - Math.Log(Enumerable.Range(0, Classes).Sum(other => Math.Exp(logits[row * Classes + other])));
                expected -= (share * ownWeights[row] * Target(own[row]) + (1 - share) * otherWeights[row] * Target(other[row]))
                    * logProbability / Rows;

                double Target(long of) => (of == label ? 1 - smoothing : 0) + smoothing / Classes;
            }

        var images = new PixelBatch(zeros([Rows, 1, 1, 1], ScalarType.Byte), tensor(own), weighted ? tensor(ownWeights) : null);
        return (tensor(logits, [Rows, Classes]),
            new MixedBatch(images, tensor(other), weighted ? tensor(otherWeights) : null, share), expected);
    }
}
