using System.CommandLine;
using Microsoft.ML.ResNet;
using Samples.CommandLine;

namespace Samples.Verbs;

/// <content>Options for machines that are short of memory.</content>
internal static partial class Train
{
    private static readonly Option<int?> MicroBatchSize = new("--micro-batch-size")
    {
        Description = "Compute each step in pieces of so many images, which need less memory. [default: the whole batch at once]",
        HelpName = "N",
        CustomParser = Arguments.WholeNumber(least: 2),
    };

    private static readonly Option<int?> ImageMemory = new("--image-memory")
    {
        Description =
            "Memory for the decoded images, in MiB; what needs more is kept in a temporary file. [default: 256 for pictures of "
            + "which a plan is made, else half of what there is]",
        HelpName = "MIB",
        CustomParser = Arguments.WholeNumber(least: 0),
    };

    private static readonly Option<string?> Spill = new("--spill")
    {
        Description = "The folder of that temporary file. [default: the system's]",
        HelpName = "FOLDER",
    };

    private static void FitMemory(ResNetTrainer.Options trainer, ParseResult options)
    {
        trainer.ImageMemoryBudgetMiB = options.GetValue(ImageMemory);
        trainer.ImageSpillDirectory = options.GetValue(Spill);
    }
}
