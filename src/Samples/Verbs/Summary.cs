using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML.ResNet;
using Samples.CommandLine;
using Samples.Output;
using Spectre.Console;

namespace Samples.Verbs;

/// <summary><c>resnet summary</c>: lists the layers of a network, without building it.</summary>
internal static class Summary
{
    private static readonly Option<ResNetArchitecture> Architecture = new("--architecture")
    {
        Description = "The network, such as cifar-20, cifar-56-basic, imagenet-18 (or resnet18), quick-8, quick-10 or "
            + "d2l-resnet18-1channel.",
        HelpName = "NAME",
        CustomParser = Arguments.Architecture!,
        Required = true,
    };

    private static readonly Option<int?> Classes = new("--classes")
    {
        Description = "How many classes it tells apart.",
        HelpName = "N",
        CustomParser = Arguments.WholeNumber(least: 1),
        DefaultValueFactory = _ => 10,
    };

    private static readonly Option<ImageShape?> Image = new("--image")
    {
        Description = "Channels, height and width of the images. [default: the architecture's, such as 3x32x32 for cifar-20]",
        HelpName = "CxHxW",
        CustomParser = Arguments.Shape,
    };

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("summary", "Lists the layers of a network.") { Architecture, Classes, Image };
        command.SetWork((options, display, _) => Run(options, display));
        return command;
    }

    private static JsonObject Run(ParseResult options, Display display)
    {
        var architecture = options.GetValue(Architecture)!;
        var image = options.GetValue(Image) ?? architecture.UsualImageShape;
        var classes = options.GetValue(Classes)!.Value;
        var layers = architecture.Summarize(image, classes);

        var table = Display.NewTable(texts: ["layer", "type", "output"], numbers: ["parameters", "multiply-adds"]);
        foreach (var layer in layers)
            table.AddRow(new Text(layer.Name), new Text(layer.Type), new Text($"{layer.OutputShape}"),
                new Text($"{layer.ParameterCount:n0}"), new Text($"{layer.MultiplyAdds:n0}"));
        display.Table(table);

        var (parameters, multiplyAdds) = (layers.Sum(layer => layer.ParameterCount), layers.Sum(layer => layer.MultiplyAdds));
        display.Line();
        display.Line($"{architecture.Name} for images of {image} and {classes} classes");
        display.Line($"parameters     {parameters,15:n0}");
        display.Line($"multiply-adds  {multiplyAdds,15:n0}   (for one image)");
        return new JsonObject
        {
            ["architecture"] = architecture.Name,
            ["parameters"] = parameters,
            ["multiplyAdds"] = multiplyAdds,
            ["layers"] = layers.Count
        };
    }
}
