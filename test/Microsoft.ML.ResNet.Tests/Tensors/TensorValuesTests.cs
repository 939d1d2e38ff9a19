using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Tests.Tensors;

[TestClass]
public class TensorValuesTests
{
    [TestMethod]
    [DataRow(nameof(ElementType.Float16), new byte[] { 0x00, 0x3C, 0x00, 0xC0, 0x01, 0x00, 0x00, 0x7C },
        new[] { 1f, -2f, 5.9604645e-8f, float.PositiveInfinity })]
    [DataRow(nameof(ElementType.BFloat16), new byte[] { 0x80, 0x3F, 0x00, 0xC0, 0x49, 0x40, 0x80, 0xFF },
        new[] { 1f, -2f, 3.140625f, float.NegativeInfinity })]
    [DataRow(nameof(ElementType.Float64), new byte[] { 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xEF, 0x7F },
        new[] { 1f, float.PositiveInfinity })]
    public void Floating_point_numbers_become_float32(string type, byte[] bytes, float[] expected)
    {
        var tensor = new NamedTensor("a", Enum.Parse<ElementType>(type), [expected.Length, 1], bytes).ToFloat32();

        Assert.AreEqual(ElementType.Float32, tensor.Type);
        CollectionAssert.AreEqual(new long[] { expected.Length, 1 }, tensor.Shape.ToArray());
        CollectionAssert.AreEqual(expected, MemoryMarshal.Cast<byte, float>(tensor.Data.Span).ToArray());
    }

    [TestMethod]
    [DataRow(nameof(ElementType.Float32))]
    [DataRow(nameof(ElementType.Int64))]
    [DataRow(nameof(ElementType.Bool))]
    public void Other_tensors_stay_as_they_are(string type)
    {
        var tensor = new NamedTensor("a", Enum.Parse<ElementType>(type), [], new byte[Enum.Parse<ElementType>(type).Size()]);

        Assert.AreSame(tensor, tensor.ToFloat32());
    }

    [TestMethod]
    public void One_value_that_is_no_finite_number_is_found_wherever_it_stands()
    {
        for (var length = 0; length <= 40; length++)
        {
            var values = Enumerable.Range(0, length).Select(i => i % 2 == 0 ? float.MaxValue : -float.Epsilon).ToArray();
            Assert.IsTrue(Tensor(values).IsFinite(), $"{length}");
            for (var place = 0; place < length; place++)
                foreach (var value in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
                {
                    var old = values[place];
                    values[place] = value;
                    Assert.IsFalse(Tensor(values).IsFinite(), $"{value} at {place} of {length}");
                    values[place] = old;
                }
        }
    }

    private static NamedTensor Tensor(float[] values)
        => new("a", ElementType.Float32, [values.Length], MemoryMarshal.AsBytes<float>(values).ToArray());
}
