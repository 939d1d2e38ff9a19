using System.CommandLine;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.Transforms;
using Samples.CommandLine;
using Samples.Output;
using Samples.Planning;

namespace Samples.Verbs;

/// <content>Training that starts from another network's weights.</content>
internal static partial class Train
{
    private static readonly Option<string?> From = new("--from")
    {
        Description =
            "Start from these weights: 'imagenet', a model .zip, or a PyTorch, safetensors or ONNX file for --architecture (import it "
            + "first if its images or normalisation are unusual); or from 'scratch'. [default: imagenet for photos, scratch for small "
            + "pictures]",
        HelpName = "imagenet|scratch|FILE",
    };

    private static readonly Option<string?> Classes = new("--classes")
    {
        Description =
            "The classes of a weights file that --from names, as 'import' takes them; its head is kept if they are those of the images. "
            + "[default: a new head]",
        HelpName = "cifar10|cifar100|FILE",
    };

    private static readonly Option<int?> Freeze = new("--freeze")
    {
        Description = "Of the weights of --from, leave the stem and the first N stages as they are. [default: train all]",
        HelpName = "N",
        CustomParser = Arguments.WholeNumber(least: 0),
    };

    private static ResNetTransformer? InitialModel(MLContext mlContext, string? from, ParseResult options, Display display)
    {
        if (from is not { } path)
            return null;
        if (path == TrainingPlan.ImageNet)
            return mlContext.Model.LoadImageNetResNet18();
        if (path.EndsWith(".zip", StringComparison.OrdinalIgnoreCase))
            return SavedModel.Load(mlContext, path).Network;

        var weights = mlContext.Model.LoadResNetWeights(path, new ResNetWeightsOptions
        {
            Architecture = options.GetValue(Architecture) ?? ResNetArchitecture.Cifar(20),
            // Without names the file's head is not wanted: a new one is drawn for the classes of the images.
            ClassNames = options.GetValue(Classes) is { } classes ? Arguments.ClassNames(classes) : null,
        });
        display.Line($"Tensors of {path}: {weights.ImportedWeights}");
        return weights;
    }

    // Numbered by name; or, if the classes are those of the initial model, in its order, so that its head is kept.
    private static ValueToKeyMappingTransformer Keys(MLContext mlContext, IDataView train, ResNetTransformer? initial)
    {
        var keys = mlContext.Transforms.Conversion.MapValueToKey("Label", keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue)
            .Fit(train);
        VBuffer<ReadOnlyMemory<char>> names = default;
        keys.GetOutputSchema(train.Schema)["Label"].GetKeyValues(ref names);
        return initial is not null && names.DenseValues().Select(name => name.ToString()).ToHashSet(StringComparer.Ordinal)
            .SetEquals(initial.Model.ClassNames)
            ? mlContext.Transforms.Conversion.MapLabelToKey(initial).Fit(train)
            : keys;
    }
}
