using System.Globalization;

namespace Benchmarks.Recipes;

/// <summary>One training, and what it came to: a line of the results file.</summary>
/// <param name="Variant">The recipe's name.</param>
/// <param name="Architecture">The network's name, or its plan; and whether images were held out to measure on.</param>
/// <param name="Rows">Training images.</param>
/// <param name="Seed">The seed of the training.</param>
/// <param name="Accuracy">The part of the images measured on that is classified right, from 0 to 1.</param>
/// <param name="LogLoss">Mean cross-entropy on these images, in nats.</param>
/// <param name="TrainLoss">The training loss of the last epoch, in nats.</param>
/// <param name="Seconds">What the training took.</param>
/// <param name="Recipe">The recipe in words: a variant whose recipe was changed since is another one.</param>
internal sealed record RecipeResult(string Variant, string Architecture, int Rows, int Seed, double Accuracy, double LogLoss,
    double TrainLoss, double Seconds, string Recipe);

/// <summary>
/// Results in a file of tab-separated text, a line each, written as soon as there is one: what is in it survives the process, and need not
/// be measured again.
/// </summary>
internal sealed class RecipeResults
{
    private const string Header = "variant\tarchitecture\trows\tseed\taccuracy\tlog loss\ttrain loss\tseconds\trecipe";

    private readonly string _path;
    private readonly List<RecipeResult> _results;

    /// <param name="path">The file; made if it is not there.</param>
    public RecipeResults(string path)
    {
        _path = path;
        if (!File.Exists(path))
            File.WriteAllText(path, Header + "\n");
        _results = [.. File.ReadLines(path).Skip(1).Where(line => line.Length > 0).Select(Parse)];
    }

    /// <summary>Whether that training is in the file.</summary>
    public bool Has(RecipeVariant variant, string architecture, int rows, int seed)
        => _results.Any(result => IsOf(result, variant, architecture, rows) && result.Seed == seed);

    /// <summary>Adds a result, and writes it.</summary>
    public void Add(RecipeResult result)
    {
        _results.Add(result);
        File.AppendAllText(_path, string.Create(CultureInfo.InvariantCulture,
            $"{result.Variant}\t{result.Architecture}\t{result.Rows}\t{result.Seed}\t{result.Accuracy:f4}\t{result.LogLoss:f4}\t"
            + $"{result.TrainLoss:f4}\t{result.Seconds:f0}\t{result.Recipe}\n"));
    }

    /// <summary>
    /// Sums up in Markdown: mean and sample deviation of the accuracy over the seeds, and its difference from the first variant that has
    /// results.
    /// </summary>
    public IEnumerable<string> Table(IReadOnlyList<RecipeVariant> variants, string architecture, int rows)
    {
        yield return "| recipe | runs | accuracy, % | to the first | log loss | train loss | seconds a run |";
        yield return "|---|---|---|---|---|---|---|";
        double? first = null;
        foreach (var variant in variants)
        {
            var results = _results.Where(result => IsOf(result, variant, architecture, rows)).ToList();
            if (results.Count == 0)
                continue;
            var mean = results.Average(result => 100 * result.Accuracy);
            first ??= mean;
            yield return string.Create(CultureInfo.InvariantCulture,
                $"| {variant.Name} | {results.Count} | {mean:f2} ± {Deviation([.. results.Select(result => 100 * result.Accuracy)]):f2} | "
                    + $"{mean - first:+0.00;-0.00;0.00} | {results.Average(result => result.LogLoss):f4} | "
                    + $"{results.Average(result => result.TrainLoss):f3} | {results.Average(result => result.Seconds):f0} |");
        }
    }

    private static bool IsOf(RecipeResult result, RecipeVariant variant, string architecture, int rows)
        => result.Variant == variant.Name && result.Recipe == variant.Recipe.ToString() && result.Architecture == architecture
            && result.Rows == rows;

    private static double Deviation(double[] values)
        => values.Length < 2 ? 0 : Math.Sqrt(values.Sum(value => Math.Pow(value - values.Average(), 2)) / (values.Length - 1));

    private static RecipeResult Parse(string line) => line.Split('\t') is { Length: 9 } cells
        ? new(cells[0], cells[1], Whole(cells[2]), Whole(cells[3]), Number(cells[4]), Number(cells[5]), Number(cells[6]),
            Number(cells[7]), cells[8])
        : throw new FormatException($"'{line}' is no result; expected the cells {Header.Replace("\t", ", ", StringComparison.Ordinal)}.");

    private static double Number(string cell) => double.Parse(cell, CultureInfo.InvariantCulture);

    private static int Whole(string cell) => int.Parse(cell, CultureInfo.InvariantCulture);
}
