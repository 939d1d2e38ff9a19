using System.Globalization;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>The memory that the operating system holds in RAM for this process, native allocations included.</summary>
internal static class ResidentMemory
{
    private const string Status = "/proc/self/status", Field = "VmRSS:";

    /// <summary>Resident set size in bytes; null where the system has no <c>/proc</c>.</summary>
    public static long? Bytes()
        => File.Exists(Status)
        && File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal)) is { } line
        ? Parse(line)
        : null;

    /// <summary>The bytes of a line such as <c>VmRSS:     5120 kB</c>.</summary>
    internal static long Parse(string line) =>
        1024 * long.Parse(line.AsSpan(Field.Length).TrimEnd("kB").Trim(), NumberStyles.None, CultureInfo.InvariantCulture);
}
