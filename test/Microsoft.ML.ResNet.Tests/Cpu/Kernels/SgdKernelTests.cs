using Microsoft.ML.ResNet.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Tests.Cpu.Kernels;

/// <summary>Steps of SGD against the formula in double precision (Sutskever et al. 2013, as PyTorch's documentation states it).</summary>
[TestClass]
public class SgdKernelTests
{
    [TestMethod]
    [DataRow(0.9f, true, 0.01f)]
    [DataRow(0.9f, false, 0.01f)]
    [DataRow(0f, false, 0f)]
    public void Three_steps_are_those_of_the_formula_for_every_length(float momentum, bool nesterov, float decay)
    {
        for (var length = 0; length < 70; length++) // a few vectors of any width, and what is left of one
        {
            var random = new Random(length);
            float[] weights = Draw(length, random), velocities = new float[length];
            double[] expected = [.. weights], velocity = new double[length];
            for (var step = 0; step < 3; step++)
            {
                var gradients = Draw(length, random);
                var forgotten = gradients.ToArray();
                new SgdKernel(0.1f, momentum, nesterov, decay).Step(weights, forgotten, velocities);
                CollectionAssert.AreEqual(new float[length], forgotten);
                for (var i = 0; i < length; i++)
                {
                    var gradient = gradients[i] + (double)decay * expected[i];
                    velocity[i] = velocity[i] * momentum + gradient;
                    expected[i] -= 0.1f * (nesterov ? gradient + momentum * velocity[i] : velocity[i]);
                }
            }
            for (var i = 0; i < length; i++)
            {
                Assert.AreEqual(expected[i], weights[i], 1e-5, $"weight {i} of {length}");
                Assert.AreEqual(velocity[i], velocities[i], 1e-5, $"velocity {i} of {length}");
            }
        }
    }

    private static float[] Draw(int length, Random random) => [.. Enumerable.Range(0, length).Select(_ => random.NextSingle() - 0.5f)];
}
