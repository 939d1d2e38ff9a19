using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Samples.CommandLine;
using Samples.Output;

namespace Samples.Verbs;

/// <summary><c>resnet export</c>: writes a saved network for other programs.</summary>
internal static class Export
{
    private static readonly Option<string> Model = new("--model")
    {
        Description = "The model file that 'train' or 'import' has written.",
        HelpName = "FILE",
        Required = true,
    };

    /// <summary>The formats, one row each.</summary>
    private static readonly Format[] Formats =
    [
        new("safetensors", "Write the weights as safetensors, under PyTorch's names.", (network, path) => network.SaveSafetensors(path)),
        new("pytorch", "Write the weights as a state_dict, for torch.load and load_state_dict.",
            (network, path) => network.SavePyTorch(path)),
        new("onnx", "Write the network as ONNX, which normalises its images itself.", (network, path) => network.SaveOnnx(path)),
    ];

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("export", "Writes a saved network for other programs.") { Model };
        foreach (var format in Formats)
            command.Options.Add(format.File);
        command.Validators.Add(parsed =>
        {
            if (Formats.All(format => parsed.GetResult(format.File) is null))
                parsed.AddError($"Nothing to write: expected {string.Join(" or ", Formats.Select(format => $"{format.File.Name} FILE"))}.");
        });
        command.SetWork((options, display, _) => Run(options, display));
        return command;
    }

    private static JsonObject Run(ParseResult options, Display display)
    {
        // All files are looked at before the first is written.
        OutputFile.CheckDifferent([(Model.Name, options.GetValue(Model)),
            .. Formats.Select(format => (format.File.Name, options.GetValue(format.File)))]);
        var outputs = Formats.Where(format => options.GetValue(format.File) is not null)
            .Select(format => (Format: format, Path: OutputFile.Writable(options.GetValue(format.File)!))).ToList();
        var mlContext = new MLContext();
        display.Follow(mlContext);
        using var model = SavedModel.Load(mlContext, options.GetValue(Model)!);
        var network = model.Network;

        var result = new JsonObject { ["model"] = model.Path, ["architecture"] = network.Model.Architecture.Name };
        foreach (var (format, path) in outputs)
        {
            format.Write(network, path);
            display.Line($"{format.Name}: {path}");
            result[format.Name] = path;
        }
        return result;
    }

    /// <summary>A kind of file that can be written.</summary>
    /// <param name="Name">Its name, which is the option's too.</param>
    /// <param name="Description">What the help says.</param>
    /// <param name="Write">Writes a network to a path.</param>
    private sealed record Format(string Name, string Description, Action<ResNetTransformer, string> Write)
    {
        /// <summary>The option that asks for it.</summary>
        public Option<string?> File { get; } = new($"--{Name}") { Description = Description, HelpName = "FILE" };
    }
}
