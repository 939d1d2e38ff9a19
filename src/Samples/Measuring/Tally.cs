using Microsoft.ML;
using Microsoft.ML.Data;

namespace Samples.Measuring;

/// <summary>
/// What is counted of scored images whose class is known. Counts and sums are exact: those of some parts of the images, added in any order,
/// give the figures of all of them to the last digit.
/// </summary>
internal sealed class Tally
{
    /// <summary>Among how many of the likeliest classes the true one is looked for.</summary>
    public const int TopK = 3;

    private const float LeastProbability = 1e-15f; // as ML.NET counts a class that is held to be impossible
    private const int Bins = 15; // of confidence, as in Guo et al. 2017

    private readonly ExactSum _logLoss;
    private readonly Bin[] _bins;

    /// <param name="classes">How many classes there are.</param>
    public Tally(int classes)
        : this([.. Enumerable.Range(0, classes).Select(_ => new long[classes])], 0, 0, new(),
            [.. Enumerable.Range(0, Bins).Select(_ => new Bin(0, 0, new()))])
    {
    }

    private Tally(long[][] counts, long amongTop, long leftOut, ExactSum logLoss, Bin[] bins)
        => (Counts, AmongTop, LeftOut, _logLoss, _bins) = (counts, amongTop, leftOut, logLoss, bins);

    /// <summary>The confusion matrix: how many images of each class (the row) were taken for which (the column).</summary>
    public long[][] Counts { get; }

    /// <summary>Images whose class is among the likeliest.</summary>
    public long AmongTop { get; private set; }

    /// <summary>Images of classes that the model does not know, which no figure counts.</summary>
    public long LeftOut { get; private set; }

    /// <summary>Images that figures count.</summary>
    public long Images => Counts.Sum(row => row.Sum());

    /// <summary>The part of the images of which the model is right.</summary>
    public double MicroAccuracy => (double)Counts.Index().Sum(row => row.Item[row.Index]) / Images;

    /// <summary>The mean of the recalls of the classes that are there.</summary>
    public double MacroAccuracy => Counts.Index().Where(row => row.Item.Sum() > 0)
        .Average(row => (double)row.Item[row.Index] / row.Item.Sum());

    /// <summary>The part of the images whose class is among the <see cref="TopK"/> likeliest.</summary>
    public double TopKAccuracy => (double)AmongTop / Images;

    /// <summary>The mean of the negative logarithm of the probability of the true class, in nats.</summary>
    public double LogLoss => _logLoss.Value / Images;

    /// <summary>
    /// The expected calibration error: how far confidence and accuracy are apart in 15 bins of confidence, on average over the images.
    /// </summary>
    public double CalibrationError => _bins.Sum(bin => Math.Abs(bin.Confidence.Value - bin.Right)) / Images;

    /// <summary>Counts scored images.</summary>
    /// <param name="scored">Images with the class as a key, and a probability for each.</param>
    /// <param name="classes">How many classes there are.</param>
    /// <param name="cancellation">Stops before the next image.</param>
    /// <exception cref="InvalidDataException">The class is no key: which probability is which class's, nobody knows.</exception>
    public static Tally Of(IDataView scored, int classes, CancellationToken cancellation)
    {
        var (label, score) = (scored.Schema["Label"], scored.Schema["Score"]);
        if (label.Type is not KeyDataViewType)
            throw new InvalidDataException($"The model leaves the label as {label.Type}; expected a model that turns it into a key.");
        var tally = new Tally(classes);
        using var rows = scored.GetRowCursor([label, score]);
        var (getLabel, getScores) = (rows.GetGetter<uint>(label), rows.GetGetter<VBuffer<float>>(score));
        var (key, scores) = (0u, default(VBuffer<float>));
        while (rows.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            getLabel(ref key);
            getScores(ref scores);
            tally.Add((int)key - 1, scores.GetValues());
        }
        return tally;
    }

    /// <summary>Counts an image; one that could not be read, whose probabilities are no numbers, does not count.</summary>
    /// <param name="label">Its class, from 0; below 0 for one that the model does not know.</param>
    /// <param name="scores">The probability of each class.</param>
    public void Add(int label, ReadOnlySpan<float> scores)
    {
        if (label < 0)
        {
            LeftOut++;
            return;
        }
        foreach (var score in scores)
            if (!float.IsFinite(score))
                return;
        var (predicted, likelier) = (0, 0);
        for (var i = 0; i < scores.Length; i++)
        {
            if (scores[i] > scores[predicted])
                predicted = i;
            if (scores[i] > scores[label] || i < label && scores[i] == scores[label])
                likelier++;
        }
        Counts[label][predicted]++;
        AmongTop += likelier < TopK ? 1 : 0;
        _logLoss.Add(-Math.Log(Math.Clamp(scores[label], LeastProbability, 1)));
        var bin = Math.Clamp((int)Math.Ceiling((double)scores[predicted] * Bins) - 1, 0, Bins - 1);
        _bins[bin] = _bins[bin].With(1, predicted == label ? 1 : 0);
        _bins[bin].Confidence.Add(scores[predicted]);
    }

    /// <summary>Adds what was counted of other images.</summary>
    /// <exception cref="ArgumentException">Those are of another number of classes.</exception>
    public void Add(Tally other)
    {
        if (other.Counts.Length != Counts.Length)
            throw new ArgumentException($"Expected counts of {Counts.Length} classes, found {other.Counts.Length}.", nameof(other));
        foreach (var (row, others) in Counts.Zip(other.Counts))
            for (var i = 0; i < row.Length; i++)
                row[i] += others[i];
        AmongTop += other.AmongTop;
        LeftOut += other.LeftOut;
        _logLoss.Add(other._logLoss);
        for (var i = 0; i < Bins; i++)
        {
            _bins[i] = _bins[i].With(other._bins[i].Count, other._bins[i].Right);
            _bins[i].Confidence.Add(other._bins[i].Confidence);
        }
    }

    /// <summary>Everything that was counted, as it is kept in a file.</summary>
    public SavedTally Save() => new(Counts.Length,
        [.. from row in Counts.Index()
            from count in row.Item.Index()
            where count.Item > 0
            select new[] { row.Index, count.Index, count.Item }],
        AmongTop, LeftOut, $"{_logLoss}", [.. _bins.Select(bin => new SavedBin(bin.Count, bin.Right, $"{bin.Confidence}"))]);

    /// <summary>Reads what <see cref="Save"/> has made.</summary>
    /// <param name="saved">From a file that may be anybody's.</param>
    /// <param name="classes">How many classes there should be.</param>
    /// <exception cref="FormatException">It is none, or of another number of classes.</exception>
    public static Tally Of(SavedTally saved, int classes)
    {
        if (saved.Classes != classes)
            throw new FormatException($"Expected counts of {classes} classes, found {saved.Classes}.");
        var counts = new Tally(classes).Counts;
        foreach (var one in saved.Counts ?? [])
        {
            if (one is not [>= 0 and var actual, >= 0 and var predicted, > 0 and var count] || actual >= classes || predicted >= classes)
                throw new FormatException(
                    $"Expected the numbers of two of {classes} classes and a count, found [{string.Join(", ", one ?? [])}].");
            counts[actual][predicted] += count;
        }
        if (saved.AmongTop < 0 || saved.LeftOut < 0 || saved.Bins is not { Length: Bins }
            || saved.Bins.Any(bin => bin is not { Count: >= 0, Right: >= 0 }))
            throw new FormatException($"Expected counts from 0 on, and {Bins} bins; found others.");
        return new(counts, saved.AmongTop, saved.LeftOut, ExactSum.Parse(saved.LogLoss ?? ""),
            [.. saved.Bins.Select(bin => new Bin(bin.Count, bin.Right, ExactSum.Parse(bin.Confidence ?? "")))]);
    }

    // Predictions of about one confidence.
    private readonly record struct Bin(long Count, long Right, ExactSum Confidence)
    {
        public Bin With(long more, long moreRight) => this with { Count = Count + more, Right = Right + moreRight };
    }
}

/// <summary>A <see cref="Tally"/> in a file.</summary>
/// <param name="Classes">How many classes there are.</param>
/// <param name="Counts">The confusion matrix where it is not 0: actual class, predicted class, count.</param>
/// <param name="AmongTop">Images whose class is among the likeliest.</param>
/// <param name="LeftOut">Images of other classes.</param>
/// <param name="LogLoss">The sum over images, as <see cref="ExactSum"/> is written.</param>
/// <param name="Bins">How sure and how right the model is.</param>
internal sealed record SavedTally(int Classes, long[][]? Counts, long AmongTop, long LeftOut, string? LogLoss, SavedBin[]? Bins);

/// <summary>Predictions of about one confidence in a file.</summary>
/// <param name="Count">How many there are.</param>
/// <param name="Right">How many are right.</param>
/// <param name="Confidence">The sum of their confidences, as <see cref="ExactSum"/> is written.</param>
internal sealed record SavedBin(long Count, long Right, string? Confidence);
