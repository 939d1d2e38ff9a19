namespace Microsoft.ML.ResNet.Reports.Report;

/// <summary>How a class fares.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Support">Pictures of it.</param>
/// <param name="Predicted">Pictures that the model takes for it.</param>
/// <param name="Right">Pictures of it that the model takes for it.</param>
internal sealed record ClassFigures(string Name, long Support, long Predicted, long Right)
{
    /// <summary>Of what the model takes for the class, the part that is; <see langword="null"/> where there is nothing.</summary>
    public double? Precision => Predicted == 0 ? null : (double)Right / Predicted;

    /// <summary>Of what is of the class, the part that the model finds; <see langword="null"/> where there is nothing.</summary>
    public double? Recall => Support == 0 ? null : (double)Right / Support;

    /// <summary>The harmonic mean of both; <see langword="null"/> where the class is neither there nor predicted.</summary>
    public double? F1 => Support + Predicted == 0 ? null : 2.0 * Right / (Support + Predicted);

    /// <summary>The figures of all classes, in their order.</summary>
    public static IReadOnlyList<ClassFigures> Of(IEnumerable<Outcome> outcomes, IReadOnlyList<string> names)
    {
        var (support, predicted, right) = (new long[names.Count], new long[names.Count], new long[names.Count]);
        foreach (var outcome in outcomes)
        {
            support[outcome.Label]++;
            predicted[outcome.Predicted]++;
            right[outcome.Label] += outcome.IsRight ? 1 : 0;
        }
        return [.. names.Select((name, index) => new ClassFigures(name, support[index], predicted[index], right[index]))];
    }
}
