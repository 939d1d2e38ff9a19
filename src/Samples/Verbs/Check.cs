using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Reports;
using Samples.CommandLine;
using Samples.Output;
using Samples.Pictures;
using Spectre.Console;

namespace Samples.Verbs;

/// <summary><c>resnet check</c>: tells whether images are fit to learn from.</summary>
internal static class Check
{
    /// <summary>The exit code when something serious was found; 1 is an error, 2 wrong usage.</summary>
    public const int SeriousExitCode = 3;

    private static readonly DataCheckOptions Defaults = new();

    private static readonly Option<string> Data = new("--data")
    {
        Description = "The images, in the forms that 'train --data' takes; where there are train and val, or train and test, both are "
            + "checked, and against one another.",
        HelpName = "PATH",
        Required = true,
    };

    private static readonly Option<string?> Validation = new("--validation")
    {
        Description = "Images to validate on that lie elsewhere, in the same forms. [default: what lies beside train]",
        HelpName = "PATH",
    };

    private static readonly Option<string?> Model = new("--model")
    {
        Description = "A model file whose features tell which images are alike and which labels look wrong. "
            + "[default: a ResNet-18 of ImageNet]",
        HelpName = "FILE",
    };

    private static readonly Option<bool> Quick = new("--quick")
    {
        Description = "Compute no features: leaves out labels and outliers.",
    };

    private static readonly Option<string?> Output = new("--output")
    {
        Description = "A page with the pictures: one HTML file that needs no other.",
        HelpName = "FILE",
    };

    private static readonly Option<double?> NearDuplicates = new("--near-duplicates")
    {
        Description = $"From which agreement on, up to 1, two images are the same shot. [default: {Defaults.NearDuplicateAgreement}]",
        HelpName = "PART",
        CustomParser = Arguments.NumberUpTo(1),
    };

    private static readonly Option<double?> SuspectLabels = new("--suspect-labels")
    {
        Description = "The most that the probability of a label may be of another class's, for it to look wrong. "
            + $"[default: {Defaults.SuspectLabelRatio}]",
        HelpName = "PART",
        CustomParser = Arguments.NumberUpTo(1),
    };

    private static readonly Option<double?> Outliers = new("--outliers")
    {
        Description = "How far an image may lie from its nearest ones, in medians of these distances. "
            + $"[default: {Defaults.OutlierDistance}]",
        HelpName = "TIMES",
        CustomParser = Arguments.NumberBelow(1000, above: 1),
    };

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("check", $"Tells whether images are fit to learn from; ends with {SeriousExitCode} if something serious "
            + "was found.")
        {
            Data, Validation, Model, Quick, Output, NearDuplicates, SuspectLabels, Outliers,
        };
        command.Validators.Add(parsed =>
        {
            if (parsed.GetValue(Quick) && parsed.GetResult(Model) is not null)
                parsed.AddError("--quick computes no features, and --model is there for them; expected one of the two.");
        });
        command.SetWork(Run, result => result["serious"]!.GetValue<bool>() ? SeriousExitCode : 0);
        return command;
    }

    private static JsonObject Run(ParseResult options, Display display, CancellationToken cancellation)
    {
        var mlContext = new MLContext(seed: 1);
        var data = new DataPath(options.GetValue(Data)!);
        var validation = options.GetValue(Validation) is { } other ? new DataPath(other) : null;
        foreach (var read in new[]
        {
            (Model.Name, options.GetValue(Model)), (Data.Name, data.Path), (Validation.Name, validation?.Path),
        })
            OutputFile.CheckDifferent((Output.Name, options.GetValue(Output)), read);
        var output = options.GetValue(Output) is { } path ? OutputFile.Writable(path) : null;
        using var images = CheckedImages.Of(mlContext, data, validation);
        using var network = options.GetValue(Quick) ? null : Network(mlContext, options.GetValue(Model), images);

        var result = StageBars.During(display, report => DataChecker.Check(images.All, Defaults with
        {
            Network = network,
            NearDuplicateAgreement = options.GetValue(NearDuplicates) ?? Defaults.NearDuplicateAgreement,
            SuspectLabelRatio = options.GetValue(SuspectLabels) ?? Defaults.SuspectLabelRatio,
            OutlierDistance = options.GetValue(Outliers) ?? Defaults.OutlierDistance,
            Progress = report,
        }, cancellation));
        Show(display, result);
        if (output is not null)
        {
            result.SaveHtml(output, Path.GetFileName(data.Path), images.All);
            display.Line($"Pictures: {output}");
        }
        var json = JsonNode.Parse(result.ToJson())!.AsObject();
        json["data"] = data.ToString();
        json["serious"] = result.HasSerious;
        json.Remove("hasSerious");
        json["page"] = output;
        return json;
    }

    private static ResNetTransformer Network(MLContext mlContext, string? model, CheckedImages images)
        => model is not null
            ? SavedModel.Load(mlContext, model).Network
            : DataChecker.LoadImageNetNetwork(mlContext, images.All);

    private static void Show(Display display, DataCheckResult result)
    {
        foreach (var part in result.Parts)
            display.Line($"{part.Name}: {Names.Count(part.Images, "image")} of {Names.Count(part.Classes.Count, "class", "classes")}, "
                + $"{part.Classes.Values.Min():n0} to {part.Classes.Values.Max():n0} each");
        if (result is { Width: { } width, Height: { } height })
            display.Line($"sizes: {width.Least}x{height.Least} to {width.Most}x{height.Most} pixels, "
                + $"{width.Median}x{height.Median} in the median");
        display.Line();
        var table = Display.NewTable(texts: ["found"], "count", "serious", "across parts", "several labels");
        foreach (var kind in result.Kinds)
            table.AddRow(new[] { kind.Title }.Concat(new[] { kind.Count, kind.Serious, kind.AcrossParts, kind.AcrossLabels }
                .Select(count => count == 0 ? "-" : $"{count:n0}")).Select(text => new Text(text)));
        display.Table(table);
        const int MostNamed = 10;
        foreach (var finding in result.Findings.Where(finding => finding.IsSerious).Take(MostNamed))
            display.Line($"Serious: {string.Join(", ", finding.Images.Take(3).Select(image => image.Name))}"
                + $"{(finding.Images.Count == 0 ? "" : ": ")}{finding.Explanation}");
        if (result.Findings.Count(finding => finding.IsSerious) is var serious and > MostNamed)
            display.Line($"Serious: {serious - MostNamed:n0} more; --json lists all, --output shows them.");
        display.Line(result.HasSerious ? "Something serious was found." : "Nothing serious was found.");
    }
}
