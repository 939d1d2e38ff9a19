using System.Security.Cryptography;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Distributed;

/// <summary>Several processes end with the weights of one, bit for bit. Here they are threads, so that every machine runs this.</summary>
[TestClass]
public class SharedTrainingTests
{
    private const int Rows = 61; // no multiple of anything: the last batch is of another size

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
        ["wide, with max pooling", Options(ResNetArchitecture.ImageNet(18) with { StemWidth = 16, Stages = [new(16, 1, 1), new(128, 1, 2)] })],
        ["bottlenecks", Options(ResNetArchitecture.ImageNet(50) with { StemWidth = 16, Stages = [new(16, 1, 1), new(64, 1, 2)] })],
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
        foreach (var tensor in model.Model.Network.Weights)
            hash.AppendData(tensor.Data.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
