using System.Globalization;
using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Training;

/// <summary>Turns libtorch's or .NET's exception about too little memory into advice. Pure: an exception in, text out.</summary>
internal static class OutOfMemory
{
    private const int MostOfTheirs = 200; // characters; what follows is a stack trace or a lecture on allocators

    private static readonly string[] Signs =
    [
        "out of memory", "can't allocate memory", "not enough memory", "could not create a memory object", "std::bad_alloc",
        "CUDNN_STATUS_ALLOC_FAILED", "CUBLAS_STATUS_ALLOC_FAILED",
    ];

    /// <summary>
    /// Says how many images were too many and how many may fit: half. What a step needs is nearly all in proportion to them.
    /// </summary>
    /// <param name="error">What the allocator throws.</param>
    /// <param name="recipe">The recipe that was too much.</param>
    /// <returns>The advice; <see langword="null"/> if the exception is about something else.</returns>
    public static string? Explain(Exception error, TrainingRecipe recipe)
    {
        if (!IsMeant(error))
            return null;
        var tried = Math.Min(recipe.MicroBatchSize ?? recipe.BatchSize, recipe.BatchSize);
        var advice = tried / 2 >= 2
            ? $"Set MicroBatchSize to {tried / 2}: the batch stays {recipe.BatchSize}, in pieces. Or take smaller images or a smaller "
                + "network."
            : "Take smaller images or a smaller network.";
        return string.Create(CultureInfo.InvariantCulture,
            $"Training ran out of memory with {tried} images at a time. {advice} The allocator says: {Shortened(error.Message)}");
    }

    /// <summary>
    /// The same for what comes before the first step: the images, what is held out of them, a network with its gradients, and the weights
    /// that it starts from or goes on with.
    /// </summary>
    /// <param name="error">What the allocator throws.</param>
    /// <returns>The advice; <see langword="null"/> if the exception is about something else.</returns>
    public static string? ExplainBeforeTraining(Exception error) => IsMeant(error)
        ? "There is too little memory to begin the training. Set ImageMemoryBudgetMiB, so that images beyond it are read from a temporary "
            + $"file, or take smaller images or a smaller network. The allocator says: {Shortened(error.Message)}"
        : null;

    // TorchSharp throws ExternalException for every error of libtorch.
    private static bool IsMeant(Exception error) => error is OutOfMemoryException
        || error is ExternalException && Signs.Any(sign => error.Message.Contains(sign, StringComparison.OrdinalIgnoreCase));

    private static string Shortened(string message)
    {
        var line = message.AsSpan().Trim();
        line = line[..(line.IndexOfAny('\r', '\n') is >= 0 and var end ? end : line.Length)];
        return line.Length <= MostOfTheirs ? line.ToString() : $"{line[..MostOfTheirs]}...";
    }
}
