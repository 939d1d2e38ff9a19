using System.CommandLine;
using Microsoft.ML.ResNet.Fuzzing;
using Microsoft.ML.ResNet.Fuzzing.Readers;

var reader = new Option<string>("--reader")
{
    Description = "Readers, with commas between them; 'all' for every one.",
    DefaultValueFactory = _ => "all"
};
var inputs = new Option<long>("--inputs") { Description = "Inputs in all.", DefaultValueFactory = _ => 100_000 };
var seconds = new Option<int?>("--seconds") { Description = "Stop after so many seconds." };
var seed = new Option<int>("--seed") { Description = "Decides what is drawn.", DefaultValueFactory = _ => 1 };
var folder = new Option<string>("--folder")
{
    Description = "Receives findings, tallies and the black box; a run goes on where the last one in it stopped.",
    DefaultValueFactory = _ => "fuzzing",
};
var file = new Argument<string>("file") { Description = "A finding: READER.KIND.HASH.bin." };

var run = new Command("run", "Gives mutated inputs to readers.") { reader, inputs, seconds, seed, folder };
run.SetAction(arguments =>
{
    using var campaign = new Campaign(AllReaders.Named(arguments.GetValue(reader)!), arguments.GetValue(folder)!, arguments.GetValue(seed));
    return campaign.Run(arguments.GetValue(inputs),
        arguments.GetValue(seconds) is { } limit ? TimeSpan.FromSeconds(limit) : Timeout.InfiniteTimeSpan);
});
var replay = new Command("replay", "Gives one file to a reader, the one in its name or another.") { file, reader };
replay.SetAction(arguments => Replay.Run(arguments.GetValue(file)!, arguments.GetValue(reader)!));
return new RootCommand("Fuzzing of every reader of files.") { run, replay }.Parse(args).Invoke();
