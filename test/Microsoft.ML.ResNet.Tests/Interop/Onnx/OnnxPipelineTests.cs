using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Interop.Onnx;

/// <summary>The files in ML.NET's own <c>ApplyOnnxModel</c>.</summary>
[TestClass]
public class OnnxPipelineTests
{
    [TestMethod]
    public void ApplyOnnxModel_predicts_what_the_transformer_predicts()
    {
        var ml = new MLContext(seed: 1);
        var path = Path.Combine(TestAssembly.TemporaryFolder, "pipeline.onnx");
        using var transformer =
            ExportedModel.Transformer(ExportedModel.Create(ResNetArchitecture.Cifar(8), TinyImages.Shape, TinyImages.Classes));
        transformer.SaveOnnx(path);
        var data = TinyImages.View(ml, 20);

        using var model = ml.Transforms.CopyColumns("image", "Features")
            .Append(ml.Transforms.ApplyOnnxModel("probabilities", "image", path)).Fit(data);

        AssertSameScores(transformer.Transform(data), model.Transform(data));
    }

    [TestMethod]
    public void ApplyOnnxModel_takes_floats_under_the_name_of_the_column()
    {
        var ml = new MLContext(seed: 1);
        var path = Path.Combine(TestAssembly.TemporaryFolder, "pipeline-floats.onnx");
        using var transformer =
            ExportedModel.Transformer(ExportedModel.Create(ResNetArchitecture.Cifar(8), TinyImages.Shape, TinyImages.Classes));
        transformer.SaveOnnx(path, new() { Input = OnnxInput.Float32, InputName = "Pixels" });
        var data = TinyImages.View(ml, 20);

        using var model = ml.Transforms.Conversion.ConvertType("Pixels", "Features", DataKind.Single)
            .Append(ml.Transforms.ApplyOnnxModel(path)).Fit(data);

        var scored = model.Transform(data);
        AssertSameScores(transformer.Transform(data), scored);
        Assert.IsNotNull(scored.Schema.GetColumnOrNull("logits"));
    }

    private static void AssertSameScores(IDataView ours, IDataView theirs)
    {
        var expected = ours.GetColumn<float[]>("Score").ToArray();
        var found = theirs.GetColumn<float[]>("probabilities").ToArray();
        Assert.HasCount(expected.Length, found);
        for (var row = 0; row < expected.Length; row++)
        {
            Assert.AreEqual(Array.IndexOf(expected[row], expected[row].Max()), Array.IndexOf(found[row], found[row].Max()), $"row {row}");
            for (var i = 0; i < expected[row].Length; i++)
                Assert.AreEqual(expected[row][i], found[row][i], 1e-5f, $"row {row}, class {i}");
        }
    }
}
