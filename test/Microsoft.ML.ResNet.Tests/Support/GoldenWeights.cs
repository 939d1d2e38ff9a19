using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Interop.PyTorch;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>What every file with the weights of the golden <c>cifar-20</c> must hold, whatever its format.</summary>
internal static class GoldenWeights
{
    /// <summary>Reads a PyTorch file.</summary>
    public static PyTorchCheckpoint ReadFile(string path)
    {
        using var stream = File.OpenRead(path);
        return PyTorchFile.Read(stream);
    }

    /// <summary>Checks names, order, types, shapes and every value, to the last bit.</summary>
    public static void AssertAreCifar20(IReadOnlyList<NamedTensor> tensors)
    {
        var state = GoldenNoise.State("cifar-20");
        CollectionAssert.AreEqual(state.Select(entry => entry.Name).ToArray(), tensors.Select(tensor => tensor.Name).ToArray());
        for (var k = 0; k < state.Count; k++)
        {
            var (name, shape) = state[k];
            CollectionAssert.AreEqual(shape, tensors[k].Shape.ToArray(), name);
            if (name.EndsWith("num_batches_tracked", StringComparison.Ordinal))
            {
                Assert.AreEqual(ElementType.Int64, tensors[k].Type, name);
                CollectionAssert.AreEqual(new byte[8], tensors[k].Data.ToArray(), name);
                continue;
            }
            Assert.AreEqual(ElementType.Float32, tensors[k].Type, name);
            var expected = GoldenNoise.Tensor(name, shape, k);
            Assert.IsTrue(MemoryMarshal.Cast<byte, float>(tensors[k].Data.Span).SequenceEqual(expected), name);
        }
    }
}
