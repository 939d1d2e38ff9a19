namespace Microsoft.ML.ResNet.Reports.Report;

/// <summary>What a model achieves on some pictures, and what the simplest classifier would.</summary>
internal sealed class Measures
{
    private const double LeastProbability = 1e-15; // as ML.NET counts a class that is held to be impossible
    private const int Top = 5;

    /// <param name="outcomes">What the model says of each picture; at least one.</param>
    /// <param name="classes">The names of the classes.</param>
    public Measures(IReadOnlyCollection<Outcome> outcomes, IReadOnlyList<string> classes)
    {
        Images = outcomes.Count;
        Right = outcomes.Count(outcome => outcome.IsRight);
        AccuracyInterval = WilsonInterval.Of(Right, Images);
        LogLoss = outcomes.Average(outcome => -Math.Log(Math.Max(outcome.LabelProbability, LeastProbability)));
        TopAccuracy = classes.Count > Top ? outcomes.Average(outcome => outcome.Rank < Top ? 1.0 : 0) : null;
        Calibration = Calibration.Of(outcomes);
        Classes = ClassFigures.Of(outcomes, classes);
        MacroAccuracy = Classes.Average(figures => figures.Recall) ?? 0;
        MostFrequent = Classes.MaxBy(figures => figures.Support)!;
        TrivialLogLoss = -Classes.Where(figures => figures.Support > 0)
            .Sum(figures => (double)figures.Support / Images * Math.Log((double)figures.Support / Images));
    }

    /// <summary>Pictures.</summary>
    public int Images { get; }

    /// <summary>Pictures of which the model is right.</summary>
    public int Right { get; }

    /// <summary>The part of the pictures of which the model is right.</summary>
    public double Accuracy => (double)Right / Images;

    /// <summary>Where the accuracy on any number of such pictures lies with 95 % confidence.</summary>
    public WilsonInterval AccuracyInterval { get; }

    /// <summary>The mean of the recalls of the classes that are there.</summary>
    public double MacroAccuracy { get; }

    /// <summary>The part of the pictures whose class is among the five likeliest; <see langword="null"/> for up to five classes.</summary>
    public double? TopAccuracy { get; }

    /// <summary>The mean of the negative logarithm of the probability of the true class, in nats.</summary>
    public double LogLoss { get; }

    /// <summary>Whether it is right as often as it says.</summary>
    public Calibration Calibration { get; }

    /// <summary>How each class fares.</summary>
    public IReadOnlyList<ClassFigures> Classes { get; }

    /// <summary>The class that a classifier would say that looks at no picture.</summary>
    public ClassFigures MostFrequent { get; }

    /// <summary>How often that one would be right.</summary>
    public double TrivialAccuracy => (double)MostFrequent.Support / Images;

    /// <summary>The log loss of one that says how frequent the classes are, of every picture.</summary>
    public double TrivialLogLoss { get; }
}
