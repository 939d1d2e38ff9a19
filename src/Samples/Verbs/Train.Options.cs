using System.CommandLine;
using Microsoft.ML.ResNet;
using Samples.CommandLine;

namespace Samples.Verbs;

/// <content>The command line.</content>
internal static partial class Train
{
    private static readonly Option<string> Data = new("--data")
    {
        Description =
            "Training images: a CIFAR .bin, a folder of them, a CIFAR .tar.gz, a folder of class folders or a .zip of it; #train or #test "
            + "after it picks a part.",
        HelpName = "PATH",
        Required = true,
    };

    private static readonly Option<string?> Validation = new("--validation")
    {
        Description = "Images to choose the best epoch by and to evaluate on, in the same forms.",
        HelpName = "PATH",
    };

    private static readonly Option<ResNetArchitecture> Architecture = new("--architecture")
    {
        Description = "The network, such as cifar-20, cifar-56-basic, imagenet-18 (or resnet18) or imagenet-18-cifarstem.",
        HelpName = "NAME",
        CustomParser = Arguments.Architecture!,
        DefaultValueFactory = _ => ResNetArchitecture.Cifar(20),
    };

    private static readonly Option<TrainingRecipe?> RecipeName = new("--recipe")
    {
        Description = "How to train. [default: tutorial; finetune with --from]",
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
        Description = "The shape to decode image files to, such as 3x32x32. [default: the first image's]",
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

    private static readonly Option<string> Output = new("--output")
    {
        Description = "The model file to write.",
        HelpName = "FILE",
        DefaultValueFactory = _ => "model.zip",
    };

    private static readonly Option<UnreadableImageBehavior?> Unreadable = UnreadableOption.Create(
        "Images that cannot be read: 'skip' leaves them out, names and counts them; 'stop' ends with 1 at the first. [default: stop]");

    private static readonly Option<string?> History = new("--history")
    {
        Description = "A CSV file to which every epoch adds its line.",
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
            Data, Validation, Architecture, From, Classes, Freeze, RecipeName, Epochs, Milestones, BatchSize, LearningRate, TrainRows,
            Image, Unreadable, Seed, Device, Output, History, TensorBoard, MicroBatchSize, ImageMemory, Spill, ValidationSetFraction,
            Checkpoints, CheckpointInterval, Resume, KeepBest,
        };
        command.SetWork(Run);
        return command;
    }
}
