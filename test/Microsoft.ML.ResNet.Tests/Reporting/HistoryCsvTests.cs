using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Reporting;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Reporting;

[TestClass]
public class HistoryCsvTests
{
    private static readonly EpochReport First = new(1, 3, 0.1, 1.0 / 3, 0.5, null, null, 1234.5, TimeSpan.FromSeconds(61.5),
        TimeSpan.FromDays(2));
    private static readonly EpochReport Second = new(2, 3, 1e-5, 1e20, 1, double.NaN, 0.25, 0.001, TimeSpan.FromTicks(1), TimeSpan.Zero);

    private readonly string _folder = Path.Combine(TestAssembly.TemporaryFolder, $"csv-{Guid.NewGuid():n}");

    private string File => Path.Combine(_folder, "deeper", "history.csv");

    [TestMethod]
    [DataRow("")]
    [DataRow("de-DE")]
    public void The_file_is_the_same_in_every_culture_to_the_letter(string culture)
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo(culture);
            HistoryCsv.Write(File, [First, Second]);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }

        CollectionAssert.AreEqual(new[]
        {
            "Epoch,NumberOfEpochs,LearningRate,TrainLoss,TrainAccuracy,ValidationLoss,ValidationAccuracy,ImagesPerSecond,Elapsed,TimeLeft",
            "1,3,0.1,0.3333333333333333,0.5,,,1234.5,61.5,172800",
            "2,3,1E-05,1E+20,1,NaN,0.25,0.001,1E-07,0",
        }, System.IO.File.ReadAllLines(File));
    }

    [TestMethod]
    public void ML_NET_reads_back_what_was_written()
    {
        HistoryCsv.Write(File, [First, Second]);

        var ml = new MLContext();
        var data = ml.Data.LoadFromTextFile(File, new TextLoader.Options
        {
            Columns = [new("Epoch", DataKind.Int32, 0),
                .. HistoryTable.Figures.Select((figure, index) => new TextLoader.Column(figure.Name, DataKind.Double, index + 2))],
            Separators = [','],
            HasHeader = true,
            MissingRealsAsNaNs = true,
        });

        CollectionAssert.AreEqual(new[] { 1, 2 }, data.GetColumn<int>("Epoch").ToArray());
        CollectionAssert.AreEqual(new[] { First.TrainLoss, Second.TrainLoss }, data.GetColumn<double>("TrainLoss").ToArray());
        CollectionAssert.AreEqual(new[] { double.NaN, double.NaN }, data.GetColumn<double>("ValidationLoss").ToArray());
        CollectionAssert.AreEqual(new[] { 172800.0, 0 }, data.GetColumn<double>("TimeLeft").ToArray());
    }

    [TestMethod]
    public void A_file_of_before_is_replaced_whole_and_nothing_else_is_left()
    {
        HistoryCsv.Write(File, [First, Second, Second]);
        HistoryCsv.Write(File, [First]);

        Assert.HasCount(2, System.IO.File.ReadAllLines(File));
        Assert.ContainsSingle(Directory.GetFiles(Path.GetDirectoryName(File)!));
    }
}
