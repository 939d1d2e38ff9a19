using System.CommandLine;
using Microsoft.ML.ResNet;
using Samples.CommandLine;

namespace Samples.Verbs;

/// <content>Options for runs that are to survive: checkpoints, and what is left of a cancelled training.</content>
internal static partial class Train
{
    private static readonly Option<double?> ValidationSetFraction = new("--validation-fraction")
    {
        Description = "Hold out this part of the training images, such as 0.1, and choose the best epoch by it.",
        HelpName = "PART",
        CustomParser = Arguments.NumberBelow(1),
    };

    private static readonly Option<string?> Checkpoints = new("--checkpoints")
    {
        Description = "Keep the state of training in this folder, after every epoch.",
        HelpName = "FOLDER",
    };

    private static readonly Option<double?> CheckpointInterval = new("--checkpoint-interval")
    {
        Description = "Keep it also after so many seconds, within an epoch.",
        HelpName = "SECONDS",
        CustomParser = Arguments.NumberBelow(1e9),
    };

    private static readonly Option<bool> Resume = new("--resume")
    {
        Description = "Go on from the newest checkpoint, if there is one.",
    };

    private static readonly Option<bool> KeepBest = new("--keep-best")
    {
        Description = "On Ctrl+C, save the model of the epochs that are finished.",
    };

    private static void Survive(ResNetTrainer.Options trainer, ParseResult options)
    {
        trainer.ValidationSetFraction = options.GetValue(ValidationSetFraction);
        trainer.CheckpointDirectory = options.GetValue(Checkpoints);
        trainer.CheckpointInterval = options.GetValue(CheckpointInterval) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        trainer.Resume = options.GetValue(Resume);
        trainer.CancellationBehavior = options.GetValue(KeepBest) ? CancellationBehavior.KeepBest : CancellationBehavior.Throw;
    }
}
