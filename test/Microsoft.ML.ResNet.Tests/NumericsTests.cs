using System.Runtime.Intrinsics;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Cpu.Inference;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Tests.Persistence;
using Microsoft.ML.ResNet.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests;

/// <summary>
/// The switches of <see cref="ResNetNumerics"/>, each used from training to scores, and models and
/// trainings with different ones side by side.
/// </summary>
[TestClass]
public class NumericsTests
{
    private static readonly ResNetNumerics AllOn = new();
    private readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Switches =>
    [
        [AllOn with { ChannelsLast = false }],
        [AllOn with { CpuKernelsForTraining = false }],
        [AllOn with { CpuKernelsForScoring = false }],
        [new ResNetNumerics { ChannelsLast = false, CpuKernelsForTraining = false, CpuKernelsForScoring = false }],
    ];

    [TestMethod]
    [DynamicData(nameof(Switches))]
    public void A_switch_that_is_off_trains_and_scores_the_same_but_for_rounding(ResNetNumerics numerics)
    {
        using var usual = Fit(AllOn);
        using var other = Fit(numerics);

        var (expected, actual) = (Scores(usual), Scores(other));
        Assert.HasCount(expected.Length, actual);
        for (var i = 0; i < expected.Length; i++)
            Assert.AreEqual(expected[i], actual[i], 1e-2f, $"score {i}");
        Assert.AreEqual(numerics.CpuKernelsForScoring, other.Engine is CpuEngine);
    }

    [TestMethod]
    public void Trainings_with_and_without_kernels_run_side_by_side_and_neither_changes_the_other()
    {
        byte[] WeightsOf(ResNetNumerics numerics)
        {
            using var model = Fit(numerics);
            return [.. model.Model.Network.Weights.SelectMany(tensor => tensor.Data.ToArray())];
        }

        var without = AllOn with { CpuKernelsForTraining = false };
        var (alone, aloneWithout) = (WeightsOf(AllOn), WeightsOf(without));
        var together = new[] { AllOn, without }.Select(numerics => Task.Run(() => WeightsOf(numerics))).ToArray();
        Task.WaitAll(together);

        CollectionAssert.AreEqual(alone, together[0].Result);
        CollectionAssert.AreEqual(aloneWithout, together[1].Result);
        if (Vector512.IsHardwareAccelerated)
            CollectionAssert.AreNotEqual(alone, aloneWithout, "kernels and autograd round differently, so that equal weights mean one way");
    }

    [TestMethod]
    public void Models_that_are_loaded_take_the_numerics_of_the_process_at_that_time_and_keep_them()
    {
        using var file = new MemoryStream();
        using (var saved = new ResNetTransformer(_ml, SavedModel.Create(), SavedModel.Columns))
            _ml.Model.Save(saved, TinyImages.View(_ml, 1).Schema, file);
        var before = ResNetRuntime.Options;
        try
        {
            ResNetRuntime.Configure(before with { Numerics = AllOn with { CpuKernelsForScoring = false } });
            using var byLibtorch = Load();
            ResNetRuntime.Configure(before with { Numerics = AllOn });
            using var byKernels = Load();

            Assert.IsInstanceOfType<TorchEngine>(byLibtorch.Engine);
            Assert.IsInstanceOfType<CpuEngine>(byKernels.Engine);
            foreach (var (expected, actual) in Scores(byLibtorch).Zip(Scores(byKernels)))
                Assert.AreEqual(expected, actual, 1e-5f);
        }
        finally
        {
            ResNetRuntime.Configure(before);
        }

        ResNetTransformer Load()
        {
            file.Position = 0;
            return (ResNetTransformer)_ml.Model.LoadResNet(file, out _);
        }
    }

    [TestMethod]
    public void What_is_set_up_once_for_the_process_cannot_change_afterwards()
    {
        ResNetRuntime.EnsureStarted();
        var options = ResNetRuntime.Options;

        foreach (var other in new[] { options with { Threads = 63 }, options with { BoundSpinning = !options.BoundSpinning },
            options with { KeepLargeBlocks = !options.KeepLargeBlocks } })
            StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => ResNetRuntime.Configure(other)).Message,
                "Call ResNetRuntime.Configure before the first Fit");
        Assert.AreEqual(options, ResNetRuntime.Options);
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Weights_and_images_lie_as_the_switch_says(bool channelsLast)
    {
        var model = SavedModel.Create();
        using var network = ResidualNetwork.Of(model, channelsLast);
        using var scope = NewDisposeScope();
        var images = model.Normalization.Apply(zeros([2, 3, 8, 8], ScalarType.Byte), channelsLast);

        var weights = network.parameters().First(parameter => parameter.dim() == 4);
        Assert.AreEqual(channelsLast, TensorMemory.IsDense(weights));
        Assert.AreEqual(channelsLast, TensorMemory.IsDense(images));
        Assert.AreEqual(!channelsLast, weights.is_contiguous());
        Assert.AreEqual(!channelsLast, images.is_contiguous());
    }

    private static ResNetTransformer Fit(ResNetNumerics numerics)
    {
        var ml = new MLContext(seed: 1);
        var options = TinyImages.Options(epochs: 2);
        options.Numerics = numerics;
        var data = TinyImages.View(ml, 48);
        return ml.MulticlassClassification.Trainers.ResNet(options)
            .Fit(ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data));
    }

    private float[] Scores(ResNetTransformer model)
        => [.. model.Transform(TinyImages.View(_ml, 9, seed: 2)).GetColumn<float[]>("Score").SelectMany(scores => scores)];
}
