using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Samples.CommandLine;
using Samples.Output;
using Samples.Training;

namespace Samples.Verbs;

/// <content>Training by several processes, which <c>mpirun</c> has started.</content>
internal static partial class Train
{
    private static readonly Option<int?> BatchShards = new("--batch-shards")
    {
        Description = "Parts of a batch that processes and threads can share out; another number changes weights by rounding. [default: 8]",
        HelpName = "N",
        CustomParser = Arguments.WholeNumber(least: 1),
    };

    // What every process but the first does: it trains with that one, and leaves everything else to it.
    private static JsonObject Help(ParseResult options, ProcessGroup processes, CancellationToken cancellation)
    {
        Console.SetOut(TextWriter.Null);
        var mlContext = new MLContext(options.GetValue(Seed));
        var display = new Display($"rank {processes.Rank}");
        using var work = Prepare(mlContext, options, display, new LeftOutFiles(display), cancellation);
        var keys = Keys(mlContext, work.Train, work.Initial);
        var stages = new StagedTraining(mlContext, work, Trainer(options, cancellation, processes), new EpochLines(display));
        stages.Fit(keys.Transform(work.Train), work.Validation is null ? null : keys.Transform(work.Validation), historyFile: null)
            .Dispose();
        return [];
    }
}
