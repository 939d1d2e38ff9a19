namespace Mutation;

/// <summary>The scores of the folders, and what survived.</summary>
internal static class Report
{
    public static int Run(string list, string results)
    {
        var verdicts = File.ReadLines(results).Select(line => line.Split('\t')).ToDictionary(cells => cells[0], cells => cells[1..]);
        var rows = File.ReadLines(list).Select(line => line.Split('\t')).Where(cells => verdicts.ContainsKey(cells[0]))
            .Select(cells => (Folder: cells[1], Place: cells[2], Change: cells[3], Verdict: verdicts[cells[0]])).ToList();
        Console.WriteLine("| folder | mutants | killed | survived | of these, reached by no test | score |\n|---|---|---|---|---|---|");
        foreach (var folder in rows.GroupBy(row => row.Folder).Append(null))
        {
            var all = folder?.ToList() ?? rows;
            var killed = all.Count(row => row.Verdict[0] == "killed");
            var unreached = all.Count(row => row.Verdict[1].StartsWith("no test", StringComparison.Ordinal));
            Console.WriteLine(FormattableString.Invariant(
                $"| {folder?.Key ?? "**all**"} | {all.Count} | {killed} | {all.Count - killed} | {unreached} | ")
                + FormattableString.Invariant($"{100.0 * killed / all.Count:n1} % |"));
        }
        Console.WriteLine();
        foreach (var (_, place, change, verdict) in rows.Where(row => row.Verdict[0] != "killed")
            .OrderBy(row => row.Place, StringComparer.Ordinal))
            Console.WriteLine($"{place}\t{change}\t{verdict[1]}");
        return 0;
    }
}
