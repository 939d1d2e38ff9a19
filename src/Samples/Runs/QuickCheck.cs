using Microsoft.ML;
using Microsoft.ML.ResNet.Reports;
using Samples.CommandLine;
using Samples.Output;
using Samples.Pictures;

namespace Samples.Runs;

/// <summary>The data check that a report tells of: without features, so that it takes seconds.</summary>
internal static class QuickCheck
{
    private const int MostImages = 20_000; // every pair is compared

    /// <summary>
    /// Checks pictures; nothing for other data, and for very many. What keeps it from that is told, and does not keep the report from being
    /// written.
    /// </summary>
    /// <param name="mlContext">The environment.</param>
    /// <param name="data">The pictures.</param>
    /// <param name="validation">Those to validate on, where they lie elsewhere.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>What was found, or why it could not be looked for.</returns>
    public static (DataCheckResult? Result, string? Problem) Of(MLContext mlContext, DataPath data, DataPath? validation,
        CancellationToken cancellation)
    {
        try
        {
            if (!data.IsPictures || validation is { IsPictures: false })
                return default;
            using var images = CheckedImages.Of(mlContext, data, validation);
            return images.All.Count <= MostImages ? (DataChecker.Check(images.All, null, cancellation), null) : default;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            var problem = ExpectedErrors.OneLine(exception);
            Display.Error($"The report has no data check: {problem}");
            return (null, problem);
        }
    }
}
