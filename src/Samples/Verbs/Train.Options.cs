using System.CommandLine;
using Microsoft.ML.ResNet;
using Samples.CommandLine;
using Samples.Planning;
using Samples.Runs;

namespace Samples.Verbs;

/// <content>The command line.</content>
internal static partial class Train
{
    private static readonly Argument<string?> Pictures = new("PATH")
    {
        Description =
            "Pictures: a folder or .zip with one folder for each class, or with train and val in it. Everything else is chosen for them, "
            + "unless an option says it.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string?> Data = new("--data")
    {
        Description =
            "The same; or a CIFAR .bin, a folder of them, a CIFAR .tar.gz. #train, #test or another folder after it picks a part. With "
            + "--architecture or --image nothing is chosen but what these two leave open.",
        HelpName = "PATH",
    };

    private static readonly Option<string?> Config = new(OptionsFile.OptionName)
    {
        Description = "Options from a file, such as the options.json of a run; the command line wins.",
        HelpName = "FILE",
    };

    private static readonly Option<string?> Validation = new("--validation")
    {
        Description = "Images to choose the best epoch by and to evaluate on, in the same forms. [default: what lies beside train, or a "
            + "fifth]",
        HelpName = "PATH",
    };

    private static readonly Option<string?> UnknownClasses = new("--unknown-classes")
    {
        Description = "Validation images of classes that training lacks: 'stop' names them, 'skip' leaves them out. [default: stop]",
        HelpName = "skip|stop",
        CustomParser = Arguments.OneOf<string?>(("skip", "skip"), ("stop", "stop")),
    };

    private static readonly Option<ResNetArchitecture?> Architecture = new("--architecture")
    {
        Description = "The network, such as cifar-20, quick-8, quick-10, imagenet-18 (or resnet18) or imagenet-18-cifarstem. [default: "
            + "cifar-20 for small pictures, resnet18 for photos]",
        HelpName = "NAME",
        CustomParser = Arguments.Architecture,
    };

    private static readonly Option<string?> Stage = new("--stage")
    {
        Description = "With weights to start from: train the 'head' alone, or after it 'all'. [default: all, where it is worth the time]",
        HelpName = "head|all",
        CustomParser = Arguments.OneOf<string?>((TrainingStage.Head, TrainingStage.Head), (TrainingStage.All, TrainingStage.All)),
    };

    private static readonly Option<AugmentationChoice?> Augment = new("--augment")
    {
        Description = $"Random changes to training images, such as crop=4,flip: {AugmentationChoice.Known}. [default: the recipe's]",
        HelpName = "LIST",
        CustomParser = AugmentationChoice.Parse,
    };

    private static readonly Option<TrainingRecipe?> RecipeName = new("--recipe")
    {
        Description = "How to train. [default: what suits the pictures; for CIFAR files tutorial, and finetune with --from]",
        HelpName = string.Join('|', Arguments.Recipes.Select(recipe => recipe.Name)),
        CustomParser = Arguments.OneOf(Arguments.Recipes),
    };

    private static readonly Option<int?> Epochs = new("--epochs")
    {
        Description = "Passes over the training images. [default: the recipe's]",
        HelpName = "N",
        CustomParser = Arguments.WholeNumber(least: 1),
    };

    private static readonly Option<int[]?> Milestones = new("--milestones")
    {
        Description = "Epochs after which the rate drops to a tenth, as in 3,4. [default: the recipe's schedule]",
        HelpName = "LIST",
        CustomParser = Arguments.Epochs,
    };

    private static readonly Option<int?> BatchSize = new("--batch-size")
    {
        Description = "Images in one step. [default: the recipe's]",
        HelpName = "N",
        CustomParser = Arguments.WholeNumber(least: 2),
    };

    private static readonly Option<double?> LearningRate = new("--learning-rate")
    {
        Description = "The base rate, which the schedule changes. [default: the recipe's]",
        HelpName = "RATE",
        CustomParser = Arguments.NumberBelow(1e6),
    };

    private static readonly Option<int?> TrainRows = new("--train-rows")
    {
        Description = "Train on so many images only, taken at random.",
        HelpName = "N",
        CustomParser = Arguments.WholeNumber(least: 2),
    };

    private static readonly Option<ImageShape?> Image = new("--image")
    {
        Description = "The shape to decode image files to, such as 3x32x32. [default: 3x224x224 for photos; the median of small pictures]",
        HelpName = "CxHxW",
        CustomParser = Arguments.Shape,
    };

    private static readonly Option<int?> Seed = new("--seed")
    {
        Description = "Decides weights, order, augmentation and the rows of --train-rows.",
        HelpName = "N",
        CustomParser = Arguments.WholeNumber(),
        DefaultValueFactory = _ => 1,
    };

    private static readonly Option<ComputeDevice> Device = new("--device")
    {
        Description = "Where to train.",
        HelpName = "auto|cpu|cuda",
        CustomParser = Arguments.OneOf(("auto", ComputeDevice.Auto), ("cpu", ComputeDevice.Cpu), ("cuda", ComputeDevice.Cuda)),
        DefaultValueFactory = _ => ComputeDevice.Auto,
    };

    private static readonly Option<string?> Output = new("--output")
    {
        Description = "The model file to write, alone. [default: model.zip in the folder of --run]",
        HelpName = "FILE",
    };

    private static readonly Option<string?> RunName = new("--run")
    {
        Description = $"The new folder in {RunFolder.Root}/ for model, options, history and report. [default: the data's name and the "
            + "time]",
        HelpName = "NAME",
    };

    private static readonly Option<UnreadableImageBehavior?> Unreadable = UnreadableOption.Create(
        "Images that cannot be read: 'skip' leaves them out, names and counts them; 'stop' ends with 1 at the first. [default: skip; stop "
        + "where --data comes with --architecture or --image]");

    private static readonly Option<string?> History = new("--history")
    {
        Description = "A CSV file to which every epoch adds its line. [default: history.csv in the folder of --run]",
        HelpName = "FILE",
    };

    private static readonly Option<string?> TensorBoard = new("--tensorboard")
    {
        Description = "A folder for TensorBoard to which every epoch adds its figures; one for each training.",
        HelpName = "DIR",
    };

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("train", "Trains a network on images and saves it.")
        {
            Pictures, Data, Validation, UnknownClasses, Architecture, From, Classes, Freeze, Stage, RecipeName, Epochs, Milestones,
            BatchSize, LearningRate, Augment, TrainRows, Image, Geometry, Orientation, Interpolation, Unreadable, Seed, Device, Output,
            RunName, History, ReportFile, TensorBoard, MicroBatchSize, BatchShards, ImageMemory, Spill, ValidationSetFraction,
            Checkpoints, CheckpointInterval, Resume, KeepBest, Config,
        };
        command.Validators.Add(parsed =>
        {
            if (parsed.GetResult(Pictures) is { Tokens.Count: > 0 } == parsed.GetResult(Data) is not null)
                parsed.AddError(parsed.GetResult(Data) is null
                    ? "Nothing to train on: expected the PATH of a folder or .zip of pictures, or --data PATH."
                    : $"Two things to train on: expected PATH or {Data.Name}, found both.");
        });
        command.SetWork(Run);
        return command;
    }
}
