using System.Globalization;

namespace Microsoft.ML.ResNet.Training;

/// <summary>Turns libtorch's or .NET's message about too little memory into advice. Pure: text in, text out.</summary>
internal static class OutOfMemory
{
    private const int MostOfTheirs = 200; // characters; what follows is a stack trace or a lecture on allocators

    private static readonly string[] Signs = ["out of memory", "can't allocate memory", "not enough memory", "insufficient memory",
        "Exception of type 'System.OutOfMemoryException'", "CUDNN_STATUS_ALLOC_FAILED", "CUBLAS_STATUS_ALLOC_FAILED"];

    /// <summary>
    /// Says how many images were too many and how many may fit: half. What a step needs is nearly all in proportion to them.
    /// </summary>
    /// <param name="message">What the allocator says.</param>
    /// <param name="recipe">The recipe that was too much.</param>
    /// <returns>The advice; <see langword="null"/> if the message is about something else.</returns>
    public static string? Explain(string message, TrainingRecipe recipe)
    {
        if (!IsMeant(message))
            return null;
        var tried = Math.Min(recipe.MicroBatchSize ?? recipe.BatchSize, recipe.BatchSize);
        var advice = tried / 2 >= 2
            ? $"Set MicroBatchSize to {tried / 2}: the batch stays {recipe.BatchSize}, in pieces. Or take smaller images or a smaller "
                + "network."
            : "Take smaller images or a smaller network.";
        return string.Create(CultureInfo.InvariantCulture,
            $"Training ran out of memory with {tried} images at a time. {advice} The allocator says: {Shortened(message)}");
    }

    /// <summary>The same for what comes before the first step: the images, and a network with its gradients.</summary>
    /// <param name="message">What the allocator says.</param>
    /// <returns>The advice; <see langword="null"/> if the message is about something else.</returns>
    public static string? ExplainBeforeTraining(string message) => IsMeant(message)
        ? "There is too little memory to begin the training. Set ImageMemoryBudgetMiB, so that images beyond it are read from a temporary "
            + $"file, or take smaller images or a smaller network. The allocator says: {Shortened(message)}"
        : null;

    private static bool IsMeant(string message) => Signs.Any(sign => message.Contains(sign, StringComparison.OrdinalIgnoreCase));

    private static string Shortened(string message)
    {
        var line = message.AsSpan().Trim();
        line = line[..(line.IndexOfAny('\r', '\n') is >= 0 and var end ? end : line.Length)];
        return line.Length <= MostOfTheirs ? line.ToString() : $"{line[..MostOfTheirs]}...";
    }
}
