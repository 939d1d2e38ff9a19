using Microsoft.ML.ResNet.Reports.Report;

namespace Microsoft.ML.ResNet.Tests.Reports;

/// <summary>Which pictures a report shows, where there are more than find room.</summary>
[TestClass]
public class PictureChoiceTests
{
    [TestMethod]
    public void Every_cell_has_a_picture_before_any_has_many()
    {
        // 5,000 pictures of ten classes, of which class 0 is mostly taken for class 1.
        var outcomes = Enumerable.Range(0, 5_000).Select(row =>
        {
            var label = row % 10;
            var predicted = label == 0 && row % 100 < 80 ? 1 : row % 7 == 0 ? (label + 3) % 10 : label;
            return new Outcome(row, label, predicted, .5f + row % 500 / 1000f, .1f, label == predicted ? 0 : 1);
        }).ToList();
        var choice = new PictureChoice(outcomes, seed: 1);

        var cells = outcomes.Select(outcome => (outcome.Label, outcome.Predicted)).ToHashSet();
        var first = choice.Listed.Take(400).Select(outcome => (outcome.Label, outcome.Predicted)).ToHashSet();
        Assert.IsTrue(cells.Where(cell => cell.Label != cell.Predicted).All(first.Contains));
        Assert.HasCount(5_000, choice.Listed);
        Assert.HasCount(3_000, choice.Candidates.ToList());
        Assert.HasCount(20, choice.Samples);
        Assert.IsTrue(choice.Samples.GroupBy(outcome => outcome.Label).All(group => group.Count() == 2));
    }

    [TestMethod]
    public void The_surest_mistakes_and_the_least_certain_answers_come_in_their_order()
    {
        var outcomes = new[] { .5f, .9f, .7f, .6f }.SelectMany((confidence, index) => new Outcome[]
        {
            new(2 * index, 0, 1, confidence, 0, 1), new(2 * index + 1, 1, 1, confidence, confidence, 0),
        }).ToList();
        var choice = new PictureChoice(outcomes, seed: 1);

        CollectionAssert.AreEqual(new[] { .9f, .7f, .6f, .5f }, choice.SurestMistakes.Select(outcome => outcome.Confidence).ToArray());
        CollectionAssert.AreEqual(new[] { .5f, .6f, .7f, .9f }, choice.LeastCertain.Select(outcome => outcome.Confidence).ToArray());
        Assert.IsFalse(choice.SurestMistakes.Any(outcome => outcome.IsRight));
        Assert.IsTrue(choice.LeastCertain.All(outcome => outcome.IsRight));
    }

    [TestMethod]
    public void The_same_seed_shows_the_same_pictures()
    {
        var outcomes = Enumerable.Range(0, 100).Select(row => new Outcome(row, row % 4, row % 4, .9f, .9f, 0)).ToList();

        CollectionAssert.AreEqual(new PictureChoice(outcomes, 7).Samples.ToArray(), new PictureChoice(outcomes, 7).Samples.ToArray());
        CollectionAssert.AreNotEqual(new PictureChoice(outcomes, 7).Samples.ToArray(), new PictureChoice(outcomes, 8).Samples.ToArray());
    }
}
