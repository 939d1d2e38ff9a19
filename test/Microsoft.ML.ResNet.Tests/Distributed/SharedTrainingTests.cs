using System.Security.Cryptography;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Distributed;

/// <summary>Several processes end with the weights of one, bit for bit. Here they are threads, so that every machine runs this.</summary>
[TestClass]
public class SharedTrainingTests
{
    private const int Rows = 61; // no multiple of anything: the last batch is of another size

    private static readonly string Folder = Path.Combine(TestAssembly.TemporaryFolder, "shared-training");

    [TestMethod]
    [DynamicData(nameof(Networks))]
    public void Any_number_of_ranks_ends_with_the_weights_of_one(string name, ResNetTrainer.Options options)
    {
        var alone = Hash(options, group: null);

        foreach (var size in new[] { 2, 3, 4, 8 })
            foreach (var (rank, hash) in ThreadGroup.Run(size, group => Hash(options, group)).Index())
                Assert.AreEqual(alone, hash, $"{name}, rank {rank} of {size}");
    }

    public static IEnumerable<object[]> Networks =>
    [
        ["narrow", Options(ResNetArchitecture.Cifar(8))],
        ["wide", Options(ResNetArchitecture.Cifar(8) with { StemWidth = 32, WidthPerGroup = 128 })],
    ];

    private static ResNetTrainer.Options Options(ResNetArchitecture architecture)
    {
        var options = TinyImages.Options(epochs: 2);
        options.Architecture = architecture;
        return options;
    }

    private static string Hash(ResNetTrainer.Options options, ProcessGroup? group)
    {
        var ml = new MLContext(seed: 1);
        var rows = TinyImages.View(ml, Rows);
        var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(rows);
        options = options.Snapshot();
        options.ProcessGroup = group;
        using var model = ml.MulticlassClassification.Trainers.ResNet(options).Fit(keys.Transform(rows));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tensor in model.Model.Weights)
            hash.AppendData(tensor.Data.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
