using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Samples.CommandLine;
using Samples.Output;

namespace Samples.Verbs;

/// <summary><c>resnet evaluate</c>: measures a saved network on images whose class is known.</summary>
internal static class Evaluate
{
    private static readonly Option<string> Model = new("--model")
    {
        Description = "The model file that 'train' has written.",
        HelpName = "FILE",
        Required = true,
    };

    private static readonly Option<string> Data = new("--data")
    {
        Description = "The images, in the forms that 'train --data' takes.",
        HelpName = "PATH",
        Required = true,
    };

    private static readonly Option<UnreadableImageBehavior?> Unreadable = UnreadableOption.Create(
        "Images that cannot be read: 'skip' leaves them out, names and counts them; 'stop' ends with 1 at the first. [default: stop]");

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("evaluate", "Measures a saved network on images.") { Model, Data, Unreadable };
        command.SetWork(Run);
        return command;
    }

    private static JsonObject Run(ParseResult options, Display display, CancellationToken cancellation)
    {
        var mlContext = new MLContext();
        display.Follow(mlContext);
        using var model = SavedModel.Load(mlContext, options.GetValue(Model)!);
        var network = model.Network.Model;
        var leftOut = new LeftOutFiles(display);
        var images = new DataPath(options.GetValue(Data)!)
            .Load(mlContext, network.ImageShape, network.ImageGeometry,
                options.GetValue(Unreadable) ?? UnreadableImageBehavior.Throw, leftOut);

        var measured = Measurement.Of(mlContext, model.Chain, images, cancellation);

        leftOut.Conclude();
        display.Show(measured);
        display.Line();
        display.ShowClasses(measured, network.ClassNames);
        var result = new JsonObject
        {
            ["model"] = model.Path,
            ["architecture"] = network.Architecture.Name,
            ["parameters"] = network.ParameterCount,
            ["unreadable"] = leftOut.Count
        };
        measured.AddTo(result);
        return result;
    }
}
