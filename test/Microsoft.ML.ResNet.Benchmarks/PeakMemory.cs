using System.Globalization;

/// <summary>The most memory that this process has had resident; Linux keeps it.</summary>
internal static class PeakMemory
{
    private const string Field = "VmHWM:"; // as in "VmHWM:	  254672 kB"

    /// <summary>In MiB; NaN on other systems.</summary>
    public static double Mebibytes()
    {
        const string status = "/proc/self/status";
        var line = File.Exists(status)
            ? File.ReadLines(status).FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal))
            : null;
        return line is null ? double.NaN : double.Parse(line[Field.Length..^" kB".Length], CultureInfo.InvariantCulture) / 1024;
    }
}
