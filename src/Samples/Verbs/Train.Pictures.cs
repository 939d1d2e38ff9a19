using System.CommandLine;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Samples.Output;
using Samples.Pictures;
using Samples.Planning;
using Samples.Training;

namespace Samples.Verbs;

/// <content>Training on files of pictures, of which everything is chosen that nobody has said.</content>
internal static partial class Train
{
    // MiB, unless somebody says more: the rest is read from a file, which the system keeps in memory while there is room.
    private const int PicturesInMemory = 256;

    /// <summary>
    /// Whether to look at the pictures and choose. Who names a folder by <c>--data</c> and says the network or the shape gets just that.
    /// </summary>
    private static bool IsPictures(DataPath data, ParseResult options) => data.IsPictures
        && (options.GetResult(Data) is null || options.GetResult(Architecture) is null && options.GetResult(Image) is null);

    private static TrainingWork PicturesFor(MLContext mlContext, DataPath data, ParseResult options, Display display, LeftOutFiles leftOut,
        CancellationToken cancellation)
    {
        var (train, validation) = FindPictures(data, options, display);
        var survey = Survey(train, options, leftOut, cancellation);
        var held = validation is null ? null : Survey(validation, options, leftOut, cancellation);
        (train, validation) = Split(survey.Readable, held?.Readable, options, display);

        var wishes = Wishes(options);
        var facts = new PictureFacts(train.Count, validation.Count, train.Classes, survey.MedianLongerSide, survey.MedianSize);
        var initial = InitialModel(mlContext, Planner.WeightsFor(facts, wishes), options, display);
        var plan = Planner.Make(facts, wishes, initial?.Model, Machine.This(options.GetValue(Device)));
        display.Line(survey.ToString());
        foreach (var choice in plan.Choices)
            display.Line(choice.ToString());
        display.Line(MemoryOf(plan, facts, options).ToString());

        var (rows, heldRows) = (new PictureRows(train), new PictureRows(validation));
        Name(mlContext, display, leftOut, rows, heldRows);
        return new TrainingWork(plan, rows.Load(mlContext), heldRows.Load(mlContext), initial)
        {
            EvaluatesAgain = false,
            ImageMemoryMiB = PicturesInMemory,
            Known = plan.Stages is [.., { Name.Length: > 0 } last]
                ? new Dictionary<Option, string> { [Stage] = last.Name }
                : new Dictionary<Option, string>(),
            Begins = epochs => (rows.FileRead, heldRows.FileRead) = (count => epochs.Reading(count, train.Count),
                count => epochs.Reading(count, validation.Count)),
        };
    }

    private static Choice MemoryOf(TrainingPlan plan, PictureFacts facts, ParseResult options)
    {
        const double Gigabyte = 1 << 30;
        var budget = (options.GetValue(ImageMemory) ?? PicturesInMemory) * (1L << 20);
        var pixels = Estimates.Pixels(plan, facts);
        return new("Memory", $"about {Estimates.Memory(plan, facts, budget) / Gigabyte:f1} GB at most; the pictures take "
            + $"{pixels / Gigabyte:f2} GB{(pixels > budget ? " in a temporary file" : "")}",
            $"{ImageMemory.Name} MIB, {BatchSize.Name}, {MicroBatchSize.Name}");
    }

    private static (PictureSet Train, PictureSet? Validation) FindPictures(DataPath data, ParseResult options, Display display)
    {
        if (options.GetValue(Validation) is not null && options.GetValue(ValidationSetFraction) is not null)
            throw new InvalidDataException($"{Validation.Name} and {ValidationSetFraction.Name} are both set; choose one.");
        var parts = PictureParts.Of(PictureSource.Of(data.Path), data.Split);
        var validation = options.GetValue(Validation) is { } path && new DataPath(path) is var other
            ? PictureParts.Of(PictureSource.Of(other.Path), other.Split).Train
            : options.GetResult(ValidationSetFraction) is null ? parts.Validation : null;
        var where = options.GetValue(Validation) ?? (validation is null ? null : parts.ValidationFolder);
        display.Line(new Choice("Pictures", $"{Names.Count(parts.Train.Count, "picture")} of "
            + $"{Names.Count(parts.Train.Classes.Count, "class", "classes")} ({Names.List(parts.Train.Classes)})"
            + (parts.TrainFolder.Length > 0 ? $" in {parts.TrainFolder}" : "")
            + (where is null ? "" : $"; {validation!.Count} in {where} to validate on"),
            where is null ? "" : "--validation PATH").ToString());
        if (parts.PassedOver.Count > 0)
            display.Line(new Choice("Passed over", $"{Names.List(parts.PassedOver)}, without pictures").ToString());
        return (parts.Train, validation);
    }

    /// <summary>Looks at all pictures, and leaves out those that cannot be read.</summary>
    private static PictureSurvey Survey(PictureSet set, ParseResult options, LeftOutFiles leftOut, CancellationToken cancellation)
    {
        var stops = options.GetValue(Unreadable) == UnreadableImageBehavior.Throw;
        var survey = PictureSurvey.Of(set, decodes: stops, cancellation);
        var messages = survey.Problems.Select(one => $"{set.Source.Describe(one.Picture.Name)}: {one.Problem}.");
        if (stops && survey.Problems.Count > 0)
            throw new InvalidDataException($"{messages.First()} Pass --unreadable skip to leave such images out.");
        if (survey.Readable.Count == 0)
            throw new InvalidDataException($"{set.Source.Path}: expected pictures, found {Names.Count(set.Count, "file")} of which none "
                + $"can be read; the first is {messages.First()}");
        foreach (var message in messages)
            leftOut.Add(message);
        return survey.Readable.Classes.Count < Math.Min(2, set.Classes.Count)
            ? throw new InvalidDataException($"{set.Source.Path}: expected pictures of at least two classes that can be read, found "
                + $"them of {Names.List(survey.Readable.Classes)} alone; {Names.Count(survey.Problems.Count, "file")} cannot be read.")
            : survey;
    }

    /// <summary>
    /// What to learn from and what to validate on: all that is left where there is a set for each, or else a part of every class.
    /// </summary>
    private static (PictureSet Train, PictureSet Validation) Split(PictureSet train, PictureSet? validation, ParseResult options,
        Display display)
    {
        var seed = options.GetValue(Seed)!.Value;
        if (validation is null)
        {
            var fraction = options.GetValue(ValidationSetFraction) ?? HeldOut.UsualFraction;
            (train, validation) = HeldOut.Split(train, fraction, seed);
            display.Line(new Choice("Held out", $"{Names.Count(validation.Count, "picture")} of them to validate on, by seed {seed}",
                "--validation PATH, --validation-fraction PART, --seed").ToString());
        }
        else if (validation.Classes.Except(train.Classes).ToList() is { Count: > 0 } unknown)
            validation = WithoutUnknown(validation, unknown, train, options, display);
        return options.GetValue(TrainRows) is { } rows ? (Some(train, rows, seed), validation) : (train, validation);
    }

    private static PictureSet WithoutUnknown(PictureSet validation, List<string> unknown, PictureSet train, ParseResult options,
        Display display)
    {
        var known = validation.Where(picture => !unknown.Contains(picture.Label));
        var found = $"{Names.Count(validation.Count - known.Count, "picture")} of {Names.Count(unknown.Count, "class", "classes")} that "
            + $"training lacks: {Names.List(unknown)}";
        if (known.Count == 0)
            throw new InvalidDataException($"{validation.Source.Path}: expected validation pictures of the classes of training "
                + $"({Names.List(train.Classes)}), found none, but {found}. Name others with {Validation.Name}, or hold a part of the "
                + $"training pictures out with {ValidationSetFraction.Name} 0.2.");
        if (options.GetValue(UnknownClasses) is not "skip")
            throw new InvalidDataException($"{validation.Source.Path}: expected validation pictures of the classes of training "
                + $"({Names.List(train.Classes)}), found {found}. Add training pictures of them, or pass {UnknownClasses.Name} skip to "
                + "leave them out.");
        display.Line(new Choice("Left out", found).ToString());
        return known;
    }

    private static PictureSet Some(PictureSet set, int count, int seed)
    {
        var all = set.All.ToArray();
        new Random(seed).Shuffle(all);
        var taken = all.Take(count).ToHashSet();
        return set.Where(taken.Contains);
    }

    /// <summary>Names the files that the library counts as rows, when their pixels cannot be decoded.</summary>
    private static void Name(MLContext mlContext, Display display, LeftOutFiles leftOut, PictureRows train, PictureRows validation)
    {
        var said = new HashSet<string>(); // a second stage reads the same files again
        display.Follow(mlContext, warning =>
        {
            var (count, first) = (warning.Contains("validation rows", StringComparison.Ordinal) ? validation : train).Unreadable(warning);
            if (count > 0 && said.Add(warning))
                leftOut.Add(count, first);
            return count > 0;
        });
    }
}
