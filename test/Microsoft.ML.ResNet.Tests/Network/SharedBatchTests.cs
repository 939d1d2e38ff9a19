using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Network;

/// <summary>Batch normalisation of which each rank has some images, against libtorch's own of them all.</summary>
[TestClass]
public class SharedBatchTests
{
    private const int Channels = 3;

    [TestMethod]
    [DataRow(new[] { 3, 2 }, 0.0)]
    [DataRow(new[] { 2, 0, 3 }, 0.0, DisplayName = "a rank without images")]
    [DataRow(new[] { 1, 1, 1, 2 }, 100.0, DisplayName = "means that are large beside the deviations")]
    public void Outputs_gradients_and_running_statistics_are_those_of_the_whole_batch(int[] images, double mean)
    {
        ResNetRuntime.EnsureStarted();
        var (x, toGradient) = (Draw(images.Sum(), seed: 1, mean), Draw(images.Sum(), seed: 2, 0));
        var expected = Whole(x, toGradient);

        var parts = ThreadGroup.Run(images.Length, group =>
        {
            var census = TensorCensus.Start();
            Result result;
            using (NewDisposeScope())
                result = Part(x, toGradient, images[..group.Rank].Sum(), images[group.Rank], group);
            return (result, census.Survivors);
        });

        foreach (var (result, survivors) in parts)
        {
            Assert.AreEqual(0, survivors, "tensors that survive");
            AssertNear(expected.RunningMean, result.RunningMean, "running mean");
            AssertNear(expected.RunningVariance, result.RunningVariance, "running variance");
        }
        AssertNear(expected.Output, Together(part => part.Output), "outputs");
        AssertNear(expected.Gradient, Together(part => part.Gradient), "gradients of the images", mean == 0 ? 1e-5 : 1e-3);
        AssertNear(expected.Weight, Summed(part => part.Weight), "gradients of the weights", mean == 0 ? 1e-5 : 1e-3);
        AssertNear(expected.Bias, Summed(part => part.Bias), "gradients of the biases");

        float[] Together(Func<Result, float[]> values) => [.. parts.SelectMany(part => values(part.result))];

        float[] Summed(Func<Result, float[]> values)
            => [.. Enumerable.Range(0, Channels).Select(channel => parts.Sum(part => values(part.result)[channel]))];
    }

    // As PyTorch does it, in one process; the loss is the sum of outputs times what is to be their gradient.
    // Gradients of two passes add up.
    private static Result Whole(float[] x, float[] toGradient)
    {
        using var scope = NewDisposeScope();
        using var norm = Norm();
        var images = Images(x);
        images.requires_grad = true;
        (norm.forward(images) * Images(toGradient)).sum().backward();
        var y = norm.forward(images); // a second piece of a step
        (y * Images(toGradient)).sum().backward();
        return Read(norm, y, images.grad);
    }

    private static Result Part(float[] x, float[] toGradient, int first, int count, ProcessGroup group)
    {
        var norm = Norm();
        using var shared = new SharedBatch(group);
        norm.Shared = shared;
        var images = Images(x).narrow(0, first, count).clone();
        images.requires_grad = true;
        shared.Backward(norm.forward(images), Images(toGradient).narrow(0, first, count));
        var y = norm.forward(images);
        shared.Backward(y, Images(toGradient).narrow(0, first, count));
        return Read(norm, y, images.grad);
    }

    private static BatchNorm Norm()
    {
        var norm = new BatchNorm(Channels);
        using var noGradient = no_grad();
        norm.weight.copy_(tensor(new[] { 0.5f, -1, 2 }));
        norm.bias.copy_(tensor(new[] { 1f, 0, -3 }));
        norm.train();
        return norm;
    }

    private static Result Read(BatchNorm norm, Tensor y, Tensor? gradient) => new(Values(y), gradient is null ? [] : Values(gradient),
        Values(norm.weight.grad), Values(norm.bias.grad), Values(norm.running_mean), Values(norm.running_var));

    private static Tensor Images(float[] values) => tensor(values).view(-1, Channels, 4, 4);

    private static float[] Values(Tensor? tensor) => tensor is null ? new float[Channels] : [.. tensor.detach().contiguous().data<float>()];

    private static float[] Draw(int images, int seed, double mean)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, images * Channels * 16).Select(_ => (float)(mean + random.NextDouble() - 0.5))];
    }

    private static void AssertNear(float[] expected, float[] actual, string what, double tolerance = 1e-5)
    {
        Assert.HasCount(expected.Length, actual, what);
        var largest = expected.Max(Math.Abs);
        for (var index = 0; index < expected.Length; index++)
            Assert.AreEqual(expected[index], actual[index], tolerance * largest, $"{what}, number {index}");
    }

    private sealed record Result(float[] Output, float[] Gradient, float[] Weight, float[] Bias, float[] RunningMean,
        float[] RunningVariance);
}
