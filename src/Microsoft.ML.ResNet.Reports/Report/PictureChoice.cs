namespace Microsoft.ML.ResNet.Reports.Report;

/// <summary>
/// Which pictures a report shows. Mistakes come first, the surest before the others and every cell of the matrix in turn; of what is
/// right, a sample of each class.
/// </summary>
internal sealed class PictureChoice
{
    /// <summary>Pictures that a report lists with their names.</summary>
    public const int MostListed = 10_000;

    private const int MostThumbnails = 3_000;
    private const int MostShown = 24; // of mistakes and of uncertain answers
    private const int MostSampled = 60; // of right answers, with a map of where the network looked

    /// <param name="outcomes">What the model says of each picture.</param>
    /// <param name="seed">Decides which of the right answers are shown.</param>
    public PictureChoice(IReadOnlyList<Outcome> outcomes, int seed)
    {
        var random = new Random(seed);
        var mistakes = outcomes.Where(outcome => !outcome.IsRight).OrderByDescending(outcome => outcome.Confidence).ToArray();
        var right = outcomes.Where(outcome => outcome.IsRight).ToArray();
        random.Shuffle(right);
        SurestMistakes = [.. mistakes.Take(MostShown)];
        LeastCertain = [.. right.OrderBy(outcome => outcome.Confidence).Take(MostShown)];
        var classes = Math.Max(1, right.DistinctBy(outcome => outcome.Label).Count());
        Samples = [.. InTurn(right).Take(Math.Min(MostSampled, 2 * classes)).OrderBy(outcome => outcome.Label)];
        Listed = [.. SurestMistakes.Concat(LeastCertain).Concat(Samples).Concat(InTurn(mistakes)).Concat(InTurn(right))
            .DistinctBy(outcome => outcome.Row).Take(MostListed)];
    }

    /// <summary>The mistakes of which the model is surest, the surest first.</summary>
    public IReadOnlyList<Outcome> SurestMistakes { get; }

    /// <summary>The right answers of which it is least sure, the least sure first.</summary>
    public IReadOnlyList<Outcome> LeastCertain { get; }

    /// <summary>Right answers, up to two of each class; of very many classes, one of some.</summary>
    public IReadOnlyList<Outcome> Samples { get; }

    /// <summary>All that are listed; those before others have a thumbnail, as far as there is room.</summary>
    public IReadOnlyList<Outcome> Listed { get; }

    /// <summary>Those that may have a thumbnail.</summary>
    public IEnumerable<Outcome> Candidates => Listed.Take(MostThumbnails);

    // One of each cell of the matrix, then a second of each, and so on.
    private static IEnumerable<Outcome> InTurn(IEnumerable<Outcome> outcomes)
        => outcomes.GroupBy(outcome => (outcome.Label, outcome.Predicted))
            .SelectMany(cell => cell.Select((outcome, turn) => (outcome, turn))).OrderBy(one => one.turn).Select(one => one.outcome);
}
