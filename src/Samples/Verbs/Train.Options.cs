using System.CommandLine;
using Microsoft.ML.ResNet;
using Samples.CommandLine;

namespace Samples.Verbs;

/// <content>The command line.</content>
internal static partial class Train
{
    private static readonly Option<string> Data = new("--data")
    {
        Description = "Training images: a CIFAR .bin, a folder of them, a CIFAR .tar.gz, a folder of class folders or a .zip of it; #train or #test after it picks a part.",
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
        Description = "The network, such as cifar-20, cifar-56-basic or imagenet-18-cifarstem.",
        HelpName = "NAME",
        CustomParser = Arguments.Architecture!,
        DefaultValueFactory = _ => ResNetArchitecture.Cifar(20),
    };

    private static readonly Option<TrainingRecipe?> BaseRecipe = new("--recipe")
    {
        Description = "How to train, unless other options say otherwise: fast, for 5 to 10 epochs, or tutorial, for 100. [default: tutorial]",
        HelpName = "fast|tutorial",
        CustomParser = Arguments.Recipe,
    };

    private static readonly Option<int?> Epochs = new("--epochs")
    {
        Description = "Passes over the training images. [default: the recipe's]",
        HelpName = "N",
    };

    private static readonly Option<int[]?> Milestones = new("--milestones")
    {
        Description = "Epochs after which the rate drops to a tenth, as in 3,4. [default: the recipe's schedule; tutorial's is half and three quarters]",
        HelpName = "LIST",
        CustomParser = Arguments.Epochs,
    };

    private static readonly Option<int?> BatchSize = new("--batch-size")
    {
        Description = "Images in one step. [default: the recipe's]",
        HelpName = "N",
    };

    private static readonly Option<double?> LearningRate = new("--learning-rate")
    {
        Description = "The highest rate of the schedule. [default: the recipe's]",
        HelpName = "RATE",
    };

    private static readonly Option<int?> TrainRows = new("--train-rows")
    {
        Description = "Train on so many images only, taken at random.",
        HelpName = "N",
    };

    private static readonly Option<ImageShape?> Image = new("--image")
    {
        Description = "The shape to decode image files to, such as 3x32x32. [default: the first image's]",
        HelpName = "CxHxW",
        CustomParser = Arguments.Shape,
    };

    private static readonly Option<int> Seed = new("--seed")
    {
        Description = "Decides weights, order, augmentation and the rows of --train-rows.",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };

    private static readonly Option<ComputeDevice> Device = new("--device")
    {
        Description = "Where to train.",
        HelpName = "auto|cpu|cuda",
        DefaultValueFactory = _ => ComputeDevice.Auto,
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
        var command = new Command("train", "Trains a network on images and saves it.")
        {
            Data, Validation, Architecture, BaseRecipe, Epochs, Milestones, BatchSize, LearningRate, TrainRows, Image, Seed, Device, Output,
        };
        command.SetWork(Run);
        return command;
    }
}
