using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Samples.CommandLine;
using Samples.Output;

namespace Samples.Verbs;

/// <summary><c>resnet import</c>: makes a model of weights that PyTorch has trained.</summary>
internal static class Import
{
    private static readonly Option<string> Weights = new("--weights")
    {
        Description = "The weights: a PyTorch file (.pth, .pt, .th) or a safetensors file.",
        HelpName = "FILE",
        Required = true,
    };

    private static readonly Option<ResNetArchitecture> Architecture = new("--architecture")
    {
        Description = "The network that they belong to, such as cifar-20-optionA, imagenet-18 (or resnet18) or d2l-resnet18-1channel.",
        HelpName = "NAME",
        CustomParser = Arguments.Architecture!,
        Required = true,
    };

    private static readonly Option<string> Classes = new("--classes")
    {
        Description = "The classes in the order of the network's outputs: a known list, or a file with one name per line.",
        HelpName = "cifar10|cifar100|FILE",
        Required = true,
    };

    private static readonly Option<float[]?> Mean = new("--mean")
    {
        Description = "What is subtracted from each channel, in units of 0 to 1. [default for 3 channels: 0.485,0.456,0.406]",
        HelpName = "LIST",
        CustomParser = Arguments.Numbers,
    };

    private static readonly Option<float[]?> Deviation = new("--deviation")
    {
        Description = "What the difference is divided by. [default for 3 channels: 0.229,0.224,0.225]",
        HelpName = "LIST",
        CustomParser = Arguments.Numbers,
    };

    private static readonly Option<ImageShape?> Image = new("--image")
    {
        Description = "The images that the network takes. [default: the architecture's, such as 3x32x32 for cifar-20]",
        HelpName = "CxHxW",
        CustomParser = Arguments.Shape,
    };

    private static readonly Option<string> Output = new("--output")
    {
        Description = "The model file to write.",
        HelpName = "FILE",
        DefaultValueFactory = _ => "model.zip",
    };

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("import", "Makes a model of weights that PyTorch has trained.") { Weights, Architecture, Classes, Mean,
            Deviation, Image, Output };
        command.SetWork((options, display, _) => Run(options, display));
        return command;
    }

    private static JsonObject Run(ParseResult options, Display display)
    {
        var mlContext = new MLContext();
        display.Follow(mlContext);
        OutputFile.CheckDifferent((Weights.Name, options.GetValue(Weights)), (Output.Name, options.GetValue(Output)),
            (Classes.Name, options.GetValue(Classes)));
        var output = OutputFile.Writable(options.GetValue(Output)!);
        using var network = mlContext.Model.LoadResNetWeights(options.GetValue(Weights)!, new ResNetWeightsOptions
        {
            Architecture = options.GetValue(Architecture)!,
            ClassNames = Arguments.ClassNames(options.GetValue(Classes)!),
            ImageShape = options.GetValue(Image),
            // an option of many values is empty when it is not given
            ChannelMeans = options.GetValue(Mean) is { Length: > 0 } means ? means : null,
            ChannelStandardDeviations = options.GetValue(Deviation) is { Length: > 0 } deviations ? deviations : null,
        });
        var report = network.ImportedWeights!;

        // The model is the whole chain, as 'train' writes it: class names in, class names out. Nothing is learnt, so it is fitted to no
        // rows.
        var images = mlContext.Data.LoadFromEnumerable<ImageRow>([], ImageRow.SchemaFor(network));
        var keys = mlContext.Transforms.Conversion.MapLabelToKey(network).Fit(images);
        var names = mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel").Fit(network.Transform(keys.Transform(images)));
        mlContext.Model.SaveResNet(new TransformerChain<ITransformer>(keys, network, names), images.Schema, output);

        var model = network.Model;
        display.Line($"Tensors: {report}");
        display.Line(
            $"Network: {model.Architecture.Name}, {model.ParameterCount:n0} parameters, images of {model.ImageShape}, "
            + $"{model.ClassNames.Count} classes");
        display.Line($"Model: {output}");
        return new JsonObject
        {
            ["model"] = output,
            ["architecture"] = model.Architecture.Name,
            ["parameters"] = model.ParameterCount,
            ["tensors"] = report.Matched.Count
        };
    }
}
