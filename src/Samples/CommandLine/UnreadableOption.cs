using System.CommandLine;
using Microsoft.ML.ResNet;

namespace Samples.CommandLine;

/// <summary><c>--unreadable</c>: what to do with files that should be images and cannot be read.</summary>
internal static class UnreadableOption
{
    /// <summary>The option for a verb.</summary>
    /// <param name="description">What the verb does in the two cases, and which of them it is when nobody says.</param>
    public static Option<UnreadableImageBehavior?> Create(string description) => new("--unreadable")
    {
        Description = description,
        HelpName = "skip|stop",
        CustomParser = Arguments.OneOf<UnreadableImageBehavior?>(
            (Word(UnreadableImageBehavior.Skip), UnreadableImageBehavior.Skip),
            (Word(UnreadableImageBehavior.Throw), UnreadableImageBehavior.Throw)),
    };

    /// <summary>The option's word for what is done.</summary>
    public static string Word(UnreadableImageBehavior behavior) => behavior == UnreadableImageBehavior.Throw ? "stop" : "skip";
}
