using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Reports;
using Samples.CommandLine;
using Samples.Output;
using Samples.Pictures;

namespace Samples.Verbs;

/// <summary><c>resnet show</c>: shows images of a data set with their labels, as they are or as training sees them.</summary>
internal static class Show
{
    private static readonly Option<string> Data = new("--data")
    {
        Description = "The images, in the forms that 'train --data' takes.",
        HelpName = "PATH",
        Required = true,
    };

    private const string UsualName = "grid.png";

    private static readonly Option<string?> Output = new("--output")
    {
        Description = $"The picture to write, a PNG file. [default: {UsualName}; beside the folder of the images, not in it]",
        HelpName = "FILE",
    };

    private static readonly Option<AugmentationChoice?> Augment = new("--augment")
    {
        Description = $"Random changes, as 'train' makes them, such as crop=4,flip: {AugmentationChoice.Known}. [default: none]",
        HelpName = "LIST",
        CustomParser = AugmentationChoice.Parse,
    };

    private static readonly Option<int> Rows = Number("--rows", "Rows of images.", 4);
    private static readonly Option<int> Columns = Number("--columns", "Columns of images.", 8);

    private static readonly Option<int?> Seed = new("--seed")
    {
        Description = "Decides which images are taken, and what is done to them.",
        HelpName = "N",
        CustomParser = Arguments.WholeNumber(),
        DefaultValueFactory = _ => 1,
    };

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("show", "Shows images of a data set with their labels.") { Data, Output, Augment, Rows, Columns, Seed };
        command.SetWork(Run);
        return command;
    }

    private static JsonObject Run(ParseResult options, Display display, CancellationToken cancellation)
    {
        var mlContext = new MLContext();
        display.Follow(mlContext);
        var data = new DataPath(options.GetValue(Data)!);
        OutputFile.CheckDifferent((Output.Name, options.GetValue(Output)), (Data.Name, data.Path));
        var output = OutputFile.Writable(Picture(options.GetValue(Output), data));
        var augment = options.GetValue(Augment);
        var labels = mlContext.Data.SaveImageGrid(Images(mlContext, data, display), output, new ImageGridOptions
        {
            Rows = options.GetValue(Rows),
            Columns = options.GetValue(Columns),
            Augmentation = augment?.Policy ?? AugmentationPolicy.None,
            Mix = augment?.Mix,
            Seed = options.GetValue(Seed)!.Value,
            CancellationToken = cancellation,
        });
        TerminalPicture.Show(display, output);
        display.Line($"Picture: {output}");
        return new JsonObject
        {
            ["picture"] = output,
            ["labels"] = new JsonArray([.. labels.Select(label => (JsonNode)label)]),
        };
    }

    // A picture among the folders of the classes would be one more to learn from.
    private static string Picture(string? named, DataPath data)
    {
        if (named is null && data.IsPictures && OutputFile.IsBelow(Path.GetFullPath(UsualName), data.Path)
            && Path.GetDirectoryName(data.Path) is { } beside)
            return Path.Combine(beside, UsualName);
        OutputFile.CheckOutside(Output.Name, named ?? UsualName, data);
        return named ?? UsualName;
    }

    private static IDataView Images(MLContext mlContext, DataPath data, Display display) => data.IsPictures
        ? new PictureRows(PictureParts.Of(PictureSource.Of(data.Path), data.Split).Train).Load(mlContext)
        : data.Load(mlContext, null, null, UnreadableImageBehavior.Skip, new LeftOutFiles(display));

    private static Option<int> Number(string name, string description, int usual) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = argument => Arguments.WholeNumber(least: 1)(argument) is { } number
            ? number <= 100 ? number : Refuse(argument, name, number)
            : usual,
        DefaultValueFactory = _ => usual,
    };

    private static int Refuse(System.CommandLine.Parsing.ArgumentResult argument, string name, int number)
    {
        argument.AddError($"{name} is '{number}'; expected 100 at most.");
        return number;
    }
}
