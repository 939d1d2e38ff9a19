using System.Diagnostics;
using System.Globalization;

namespace Microsoft.ML.ResNet.Fuzzing;

/// <summary>A long run over several readers, turn by turn, in a folder from which it goes on after the process has died.</summary>
internal sealed class Campaign : IDisposable
{
    private const int MostOfOneCause = 3; // kept as files; all are counted
    private const int TurnLength = 20; // inputs for each share

    private readonly string _folder;
    private readonly FlightRecorder _recorder;
    private readonly SortedDictionary<string, Tally> _tallies;
    private readonly List<(FuzzTarget Target, Fuzzer Fuzzer)> _fuzzers = [];
    private readonly Dictionary<string, int> _causes = [];

    public Campaign(IReadOnlyList<FuzzTarget> targets, string folder, int seed)
    {
        _folder = Directory.CreateDirectory(folder).FullName;
        _tallies = Tally.Read(_folder);
        _recorder = new(Path.Combine(_folder, "in-flight"));
        var lives = _tallies.GetValueOrDefault(Tally.Lives).Accepted;
        _tallies[Tally.Lives] = new(lives + 1, 0, 0);
        if (_recorder.TakeUnfinished() is { } deadly)
        {
            OnFinding(deadly);
            var tally = _tallies.GetValueOrDefault(deadly.Reader);
            _tallies[deadly.Reader] = tally with { Findings = tally.Findings + 1 };
        }
        Tally.Write(_folder, _tallies);
        // Another life draws other inputs: one that died must not die again of the same.
        foreach (var target in targets)
            _fuzzers.Add((target, new(target, unchecked(seed + ((int)lives * 1_000_003)), OnFinding, _recorder)));
    }

    public int Run(long inputs, TimeSpan limit)
    {
        var (clock, start) = (Stopwatch.StartNew(), _tallies.ToDictionary());
        var done = Total();
        var (before, shares) = (done, _fuzzers.Sum(fuzzer => fuzzer.Target.Share));
        for (var turn = 1; done < inputs && (limit == Timeout.InfiniteTimeSpan || clock.Elapsed < limit); turn++)
        {
            foreach (var (target, fuzzer) in _fuzzers)
            {
                fuzzer.Run(target.Share * TurnLength);
                var old = start.GetValueOrDefault(target.Name);
                _tallies[target.Name] = new(old.Accepted + fuzzer.Accepted, old.Refused + fuzzer.Refused, old.Findings + fuzzer.Findings);
            }
            done = Total();
            Tally.Write(_folder, _tallies);
            if (turn % 100 == 1)
                Console.Error.WriteLine(FormattableString.Invariant(
                    $"{DateTime.UtcNow:HH:mm:ss} {done:n0} inputs, {(done - before) / clock.Elapsed.TotalSeconds:n0} a second"));
        }
        Console.WriteLine(Tally.Table(_tallies));
        return _tallies.Values.Sum(tally => tally.Findings) == 0 ? 0 : 1;
    }

    public void Dispose() => _recorder.Dispose();

    private long Total() => _tallies.Where(pair => pair.Key != Tally.Lives).Sum(pair => pair.Value.Inputs);

    private void OnFinding(Finding finding)
    {
        var known = _causes.GetValueOrDefault(finding.Cause);
        _causes[finding.Cause] = known + 1;
        if (known >= MostOfOneCause)
            return;
        finding.Write(Path.Combine(_folder, "findings"));
        Console.Error.WriteLine($"{finding.Name}: {finding.Details.Split('\n')[0]}");
    }
}

/// <summary>How many inputs of a reader ended how.</summary>
internal readonly record struct Tally(long Accepted, long Refused, long Findings)
{
    /// <summary>Counts, as accepted, the processes of a campaign.</summary>
    public const string Lives = "(processes)";

    private const string FileName = "tally.tsv";

    public long Inputs => Accepted + Refused + Findings;

    public static SortedDictionary<string, Tally> Read(string folder)
    {
        var tallies = new SortedDictionary<string, Tally>(StringComparer.Ordinal);
        var path = Path.Combine(folder, FileName);
        foreach (var cells in File.Exists(path) ? File.ReadLines(path).Select(line => line.Split('\t')) : [])
            tallies[cells[0]] = new(Number(cells[1]), Number(cells[2]), Number(cells[3]));
        return tallies;

        static long Number(string cell) => long.Parse(cell, CultureInfo.InvariantCulture);
    }

    public static void Write(string folder, SortedDictionary<string, Tally> tallies)
    {
        var (path, unfinished) = (Path.Combine(folder, FileName), Path.Combine(folder, FileName + ".new"));
        File.WriteAllLines(unfinished, tallies.Select(pair => string.Create(CultureInfo.InvariantCulture,
            $"{pair.Key}\t{pair.Value.Accepted}\t{pair.Value.Refused}\t{pair.Value.Findings}")));
        File.Move(unfinished, path, overwrite: true);
    }

    /// <summary>The counts as a table in Markdown.</summary>
    public static string Table(SortedDictionary<string, Tally> tallies)
    {
        var rows = tallies.Where(pair => pair.Key != Lives).ToList();
        var all = rows.Aggregate(default(Tally), (sum, row) =>
            new(sum.Accepted + row.Value.Accepted, sum.Refused + row.Value.Refused, sum.Findings + row.Value.Findings));
        return string.Join('\n', rows.Append(new("**all**", all)).Select(row => FormattableString.Invariant(
            $"| {row.Key} | {row.Value.Inputs:n0} | {row.Value.Accepted:n0} | {row.Value.Refused:n0} | {row.Value.Findings:n0} |"))
            .Prepend("|---|---|---|---|---|").Prepend("| reader | inputs | accepted | refused | findings |"));
    }
}
