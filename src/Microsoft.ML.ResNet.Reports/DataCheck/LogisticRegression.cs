using System.Numerics.Tensors;

namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>Multinomial logistic regression on standardised features, with a penalty on the squares of its weights.</summary>
/// <param name="features">One row of numbers for each image.</param>
/// <param name="width">Numbers of a row.</param>
/// <param name="classes">Classes.</param>
internal sealed class LogisticRegression(float[] features, int width, int classes)
{
    private const int Iterations = 100;
    private const double Tolerance = 1e-5;

    private readonly float[] _weights = new float[classes * (width + 1)]; // the last of each class is its bias
    private float[] _means = [], _scales = [];

    /// <summary>Learns.</summary>
    /// <param name="rows">The images to learn from.</param>
    /// <param name="labels">The class of every image.</param>
    /// <param name="penalty">Half of it times the squares of all weights is added to the mean loss.</param>
    /// <param name="cancellation">Stops before the next step.</param>
    public void Fit(int[] rows, int[] labels, double penalty, CancellationToken cancellation)
    {
        Standardise(rows);
        var (row, scores) = (new float[width + 1], new float[classes]);
        Lbfgs.Minimise(_weights, (weights, gradient) =>
        {
            gradient.Clear();
            var loss = 0.0;
            foreach (var image in rows)
            {
                Read(image, row);
                Probabilities(weights, row, scores);
                loss -= Math.Log(Math.Max(scores[labels[image]], float.Epsilon));
                scores[labels[image]]--;
                for (var label = 0; label < classes; label++)
                {
                    var slice = gradient.Slice(label * row.Length, row.Length);
                    TensorPrimitives.MultiplyAdd(row, scores[label], slice, slice);
                }
            }
            TensorPrimitives.Multiply(gradient, 1f / rows.Length, gradient);
            TensorPrimitives.MultiplyAdd(weights, (float)penalty, gradient, gradient);
            return loss / rows.Length + penalty / 2 * TensorPrimitives.SumOfSquares(weights);
        }, Iterations, Tolerance, cancellation);
    }

    /// <summary>The probability of each class.</summary>
    /// <param name="image">The row.</param>
    /// <param name="probabilities">Receives them.</param>
    public void Predict(int image, Span<float> probabilities)
    {
        var row = new float[width + 1];
        Read(image, row);
        Probabilities(_weights, row, probabilities);
    }

    private void Standardise(int[] rows)
    {
        var (sums, squares) = (new double[width], new double[width]);
        foreach (var image in rows)
            for (var i = 0; i < width; i++)
            {
                double value = features[(long)image * width + i];
                sums[i] += value;
                squares[i] += value * value;
            }
        _means = [.. sums.Select(sum => (float)(sum / rows.Length))];
        _scales = [.. squares.Zip(_means, (square, mean) => square / rows.Length - (double)mean * mean)
            .Select(variance => variance > 1e-12 ? (float)(1 / Math.Sqrt(variance)) : 0)];
    }

    private void Read(int image, Span<float> row)
    {
        var numbers = row[..width];
        TensorPrimitives.Subtract(features.AsSpan(image * width, width), _means, numbers);
        TensorPrimitives.Multiply(numbers, _scales, numbers);
        row[width] = 1;
    }

    private void Probabilities(ReadOnlySpan<float> weights, ReadOnlySpan<float> row, Span<float> scores)
    {
        for (var label = 0; label < classes; label++)
            scores[label] = TensorPrimitives.Dot(weights.Slice(label * row.Length, row.Length), row);
        TensorPrimitives.SoftMax(scores, scores);
    }
}
