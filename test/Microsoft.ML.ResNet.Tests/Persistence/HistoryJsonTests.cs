using FsCheck;
using FsCheck.Fluent;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Persistence;

namespace Microsoft.ML.ResNet.Tests.Persistence;

/// <summary>The history in a model file. Wrong ones are among <see cref="HostileEntryTests"/>.</summary>
[TestClass]
public class HistoryJsonTests
{
    [TestMethod]
    public void Any_figures_come_back_bit_for_bit()
    {
        var reports = from values in ArbMap.Default.ArbFor<double>().Generator.ArrayOf(6)
                      from validated in ArbMap.Default.ArbFor<bool>().Generator
                      from ticks in Gen.Choose(0, int.MaxValue)
                      select new EpochReport(1, 9, values[0], values[1], values[2], validated ? values[3] : null, validated
                          ? values[4]
                          : null, values[5],
                          TimeSpan.FromTicks(ticks), TimeSpan.FromTicks((long)ticks * ticks % TimeSpan.FromDays(1000).Ticks));
        Prop.ForAll(reports.ToArbitrary(), report =>
        {
            var model = SavedModel.Create() with { History = [report], KeptEpoch = 1 };
            var (description, weights) = SavedModel.Entries(model);
            return SavedModel.Read(description, weights).Model.History.Single() is var read
                && ValueFingerprint.Describe(read) == ValueFingerprint.Describe(report);
        }).QuickCheckThrowOnFailure();
    }

    [TestMethod]
    public void Of_a_training_without_end_the_file_keeps_the_newest_epochs()
    {
        var model = SavedModel.Create() with { History = SavedModel.History(HistoryJson.MaximumEpochs + 5), KeptEpoch = 3 };
        var (description, weights) = SavedModel.Entries(model);

        var read = SavedModel.Read(description, weights).Model;

        CollectionAssert.AreEqual(model.History.Skip(5).Select(ValueFingerprint.Describe).ToArray(),
            read.History.Select(ValueFingerprint.Describe).ToArray());
        Assert.AreEqual(3, read.KeptEpoch);
        Assert.IsLessThan(ModelArchive.MaximumDescriptionLength / 4, description.Length);
    }

    [TestMethod]
    public void Times_that_no_clock_shows_are_cut_to_those_there_are()
    {
        var json = SavedModel.Description(SavedModel.Create() with { History = SavedModel.History(1), KeptEpoch = 1 });
        json = System.Text.RegularExpressions.Regex.Replace(json, "\"elapsed\":[^,}]*,\"timeLeft\":[^,}]*",
            "\"elapsed\":1e300,\"timeLeft\":\"NaN\"");

        var read = SavedModel.Read(System.Text.Encoding.UTF8.GetBytes(json),
            SavedModel.Entries(SavedModel.Create()).Weights).Model.History.Single();

        Assert.AreEqual(TimeSpan.MaxValue, read.Elapsed);
        Assert.AreEqual(TimeSpan.Zero, read.TimeLeft);
        StringAssert.StartsWith(read.ToString(), "Epoch 1/");
    }
}
