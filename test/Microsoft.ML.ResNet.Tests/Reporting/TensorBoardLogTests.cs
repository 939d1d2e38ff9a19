using Microsoft.ML.ResNet.Reporting;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Reporting;

[TestClass]
public class TensorBoardLogTests
{
    private readonly string _folder = Path.Combine(TestAssembly.TemporaryFolder, $"tensorboard-{Guid.NewGuid():n}", "run");

    [TestMethod]
    public void Every_figure_of_every_epoch_is_a_scalar_with_a_right_checksum()
    {
        var log = new TensorBoardLog(_folder);
        Assert.IsFalse(Directory.Exists(_folder), "nothing is made before there is something to write");

        log.Add(new EpochReport(1, 300, 0.1, 2.25, 0.5, 2.5, 0.25, 1000, TimeSpan.Zero, TimeSpan.Zero));
        log.Add(new EpochReport(300, 300, 0.01, 0.125, 1, double.NaN, 0.75, 2000, TimeSpan.Zero, TimeSpan.Zero));

        CollectionAssert.AreEqual(new[]
        {
            ("loss/train", 1L, 2.25f), ("accuracy/train", 1, 0.5f), ("loss/validation", 1, 2.5f), ("accuracy/validation", 1, 0.25f),
                ("learning_rate", 1, 0.1f), ("images_per_second", 1, 1000f),
            ("loss/train", 300, 0.125f), ("accuracy/train", 300, 1f), ("loss/validation", 300, float.NaN),
                ("accuracy/validation", 300, 0.75f), ("learning_rate", 300, 0.01f), ("images_per_second", 300, 2000f),
        }, Scalars());
    }

    [TestMethod]
    public void What_was_not_measured_is_not_written()
    {
        new TensorBoardLog(_folder).Add(new EpochReport(1, 1, 0.1, 2, 0.5, null, null, 1000, TimeSpan.Zero, TimeSpan.Zero));

        Assert.IsFalse(Scalars().Any(scalar => scalar.Tag.EndsWith("validation", StringComparison.Ordinal)));
    }

    private (string Tag, long Step, float Value)[] Scalars() => [.. EventFile.ReadScalars(Directory.GetFiles(_folder).Single())];
}
