using Microsoft.ML.ResNet.Fuzzing.Readers;

namespace Microsoft.ML.ResNet.Fuzzing;

/// <summary>Gives one file to one reader, and prints what became of it.</summary>
internal static class Replay
{
    /// <summary>Runs it twice, because the first time pays for what is made once.</summary>
    public static int Run(string path, string reader)
    {
        var target = AllReaders.Named(reader == "all" ? Path.GetFileName(path).Split('.')[0] : reader).Single();
        var input = File.ReadAllBytes(path);
        foreach (var seed in target.Seeds)
            _ = target.Read((byte[])seed.Clone());
        var cost = Cost.Of(target.Read, (byte[])input.Clone(), out var outcome);
        Console.WriteLine($"{target.Name}: {(outcome.IsAccepted ? "accepted" : "refused")}: {outcome.Description}");
        Console.WriteLine($"{input.Length} bytes; {cost}; peak of the process {PeakMemory.Bytes >> 20} MiB");
        return cost.Fits(target, input.Length, out _) ? 0 : 1;
    }
}
