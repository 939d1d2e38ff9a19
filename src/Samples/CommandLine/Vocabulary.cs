using System.Text.RegularExpressions;
using Microsoft.ML.ResNet;

namespace Samples.CommandLine;

/// <summary>
/// The library's messages in the words of this command line: they name the members of its options, of which a user knows only the options
/// that set them.
/// </summary>
internal static partial class Vocabulary
{
    private static readonly Dictionary<string, string> OptionOf = new(StringComparer.Ordinal)
    {
        [nameof(ResNetTrainer.Options.Architecture)] = "--architecture",
        [nameof(TrainingRecipe.NumberOfEpochs)] = "--epochs",
        [nameof(TrainingRecipe.BatchSize)] = "--batch-size",
        [nameof(TrainingRecipe.LearningRate)] = "--learning-rate",
        [nameof(TrainingRecipe.MicroBatchSize)] = "--micro-batch-size",
        [nameof(TrainingRecipe.BatchShards)] = "--batch-shards",
        [$"{nameof(LearningRateRange)}.{nameof(LearningRateRange.Least)}"] = "--least",
        [nameof(ResNetTrainer.Options.ValidationSet)] = "--validation",
        [nameof(ResNetTrainer.Options.ValidationSetFraction)] = "--validation-fraction",
        [nameof(ResNetTrainer.Options.InitialModel)] = "--from",
        [nameof(ResNetTrainer.Options.FrozenStages)] = "--freeze",
        [nameof(ResNetTrainer.Options.CheckpointDirectory)] = "--checkpoints",
        [nameof(ResNetTrainer.Options.CheckpointInterval)] = "--checkpoint-interval",
        [nameof(ResNetTrainer.Options.Resume)] = "--resume",
        [nameof(ResNetTrainer.Options.HistoryFile)] = "--history",
        [nameof(ResNetTrainer.Options.TensorBoardDirectory)] = "--tensorboard",
        [nameof(ResNetTrainer.Options.ImageMemoryBudgetMiB)] = "--image-memory",
        [nameof(ResNetTrainer.Options.ImageSpillDirectory)] = "--spill",
        [nameof(ResNetTrainer.Options.ImageGeometry)] = "--geometry",
        [nameof(TrainingRecipe.Augmentation)] = "--augment",
        [nameof(ImageFolderOptions.UnreadableImageBehavior)] = "--unreadable",
        [nameof(ImageFolderOptions.Height)] = "the height of --image",
        [nameof(ImageFolderOptions.Width)] = "the width of --image",
        [nameof(ImageFolderOptions.Channels)] = "the channels of --image",
        [nameof(ResNetWeightsOptions.ImageShape)] = "--image",
        [nameof(ResNetWeightsOptions.ClassNames)] = "--classes",
        [nameof(ResNetWeightsOptions.ChannelMeans)] = "--mean",
        [nameof(ResNetWeightsOptions.ChannelStandardDeviations)] = "--deviation",
    };

    /// <summary>Advice that is given otherwise here, because no option of this command line has the member's name.</summary>
    private static readonly (Regex Theirs, string Ours)[] Phrases =
    [
        (AnotherFolder(), "Write #FOLDER behind the path, with the folder that holds the class folders"),
        (AnotherFormat(), ""),
        (LessStrict(), ""),
        (AnotherTraining(),
            "choose an empty folder for --checkpoints. To train a finished model for more epochs, start from it: --from FILE"),
        (OneClass(), "The training images are all of one class; expected at least two. Add images that are something else."),
        (Slower(), "Lower --learning-rate."),
        (ABackend(), $"Training needs it; predict, evaluate, report and serve do not. {Brings("it")}"),
        (ImageNetWeights(), $"{Brings("them")} check --quick does without."),
        (AnotherBackend(), "or install or build resnet again."),
        (AGpu(), "It takes NVIDIA's driver and a build of resnet with -p:TorchBackend=cuda; or pass --device cpu"),
        (PhotosInATar(), " Image files are not read from a .tar.gz: unpack it (tar -xzf) and name the folder."),
    ];

    // True of the tool, and of a build from the sources.
    private static string Brings(string what)
        => $"On x64 Linux, x64 Windows and Apple silicon resnet brings {what}, unless it was built with -p:TorchBackend=none.";

    // Names of classes and files are theirs, whatever words they hold.
    private const string Quoted = @"(?<!\w)'[^']*'(?!\w)";

    private static readonly Regex Member = new(
        $@"(?<quoted>{Quoted})|(?<![\w./\\])(?<verb>Set |set |Unset |unset )?(?:[A-Z]\w+\.)?(?<name>{string.Join('|', OptionOf.Keys)})\b"
            + @"(?<to>(?<=[Ss]et \S+) to Skip\b)?",
        RegexOptions.CultureInvariant);

    /// <summary>Says a message in the words of the command line.</summary>
    public static string Translate(string message)
    {
        foreach (var (theirs, ours) in Phrases)
            message = theirs.Replace(message, ours);
        return Member.Replace(message, match =>
        {
            if (match.Groups["quoted"].Success)
                return match.Value;
            var verb = match.Groups["verb"].Value switch
            {
                "Set " => "Pass ",
                "set " => "pass ",
                "Unset " => "Leave out ",
                "unset " => "leave out ",
                _ => "",
            };
            return $"{verb}{OptionOf[match.Groups["name"].Value]}{(match.Groups["to"].Success ? " skip" : "")}";
        });
    }

    [GeneratedRegex(@"Set (ImageFolderOptions\.)?Subfolder to the folder that holds the class folders")]
    private static partial Regex AnotherFolder();

    [GeneratedRegex(@"(?<=[.?)] )[^.?]*CifarBinaryOptions\.Format[^.]*\.|, *set CifarBinaryOptions\.Format[^.]*(?=\.)")]
    private static partial Regex AnotherFormat();

    [GeneratedRegex(@",? or set (ResNetWeightsOptions\.)?Strict to false to keep what fits")]
    private static partial Regex LessStrict();

    [GeneratedRegex(@"choose an empty CheckpointDirectory(\. To train a finished model for more epochs, set InitialModel to it)?")]
    private static partial Regex AnotherTraining();

    [GeneratedRegex(@"Only one class found in the \S+ column\..*")]
    private static partial Regex OneClass();

    [GeneratedRegex(@"Lower the learning rate[^.]*\.")]
    private static partial Regex Slower();

    [GeneratedRegex(@"(?<=\.t(ar\.)?gz: expected .*, found .*\.(jpe?g|png|webp|gif|bmp|tiff?|heic|avif)'.*)$", RegexOptions.IgnoreCase)]
    private static partial Regex PhotosInATar();

    [GeneratedRegex(@"Add one backend to the application: .*\(\d+(\.\d+)*\)\.")]
    private static partial Regex ABackend();

    [GeneratedRegex(@"They come with a NuGet package, whose build puts them there: .*build it again\.")]
    private static partial Regex ImageNetWeights();

    [GeneratedRegex(@"or restore the package of the backend again, in the version of TorchSharp \(\d+(\.\d+)*\)\.")]
    private static partial Regex AnotherBackend();

    [GeneratedRegex(@"Reference the package TorchSharp-cuda-linux .* or set Device to Auto or Cpu")]
    private static partial Regex AGpu();
}
