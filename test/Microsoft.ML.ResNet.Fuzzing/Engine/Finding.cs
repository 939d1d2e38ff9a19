using System.IO.Hashing;
using System.Text;

namespace Microsoft.ML.ResNet.Fuzzing;

/// <summary>An input that a reader answered in a way that it does not document.</summary>
/// <param name="Reader">The reader's name.</param>
/// <param name="Kind"><c>exception</c>, <c>time</c>, <c>memory</c>, <c>hang</c> or <c>death</c>.</param>
/// <param name="Input">The input.</param>
/// <param name="Details">What happened.</param>
public sealed record Finding(string Reader, string Kind, byte[] Input, string Details)
{
    /// <summary>Reader, kind, and the input's hash: the name of its file, which tells <c>replay</c> the reader.</summary>
    public string Name => $"{Reader}.{Kind}.{XxHash3.HashToUInt64(Input):x16}";

    /// <summary>What it has in common with others of the same cause: kind, type of exception, and where it was thrown.</summary>
    public string Cause => Kind is "exception"
        ? string.Join('\n', Details.Split('\n').Where(line => line.StartsWith("   at ", StringComparison.Ordinal)).Take(2)
            .Prepend(Details.Split(':')[0]))
        : Kind;

    /// <summary>An undocumented exception.</summary>
    public static Finding Of(string reader, byte[] input, Exception exception) => new(reader, "exception", input, exception.ToString());

    /// <summary>Writes the input and the details into a folder.</summary>
    public void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, Name);
        File.WriteAllBytes(path + ".bin", Input);
        File.WriteAllText(path + ".txt", new StringBuilder(Details).AppendLine().AppendLine()
            .Append("fuzz replay ").AppendLine(path + ".bin").ToString());
    }
}
