using Microsoft.ML;
using Microsoft.ML.ResNet.Reports;
using Samples.Pictures;

namespace Samples.Runs;

/// <summary>The data check that a report tells of: without features, so that it takes seconds.</summary>
internal static class QuickCheck
{
    private const int MostImages = 20_000; // every pair is compared

    /// <summary>Checks pictures; <see langword="null"/> for other data, and for very many.</summary>
    /// <param name="mlContext">The environment.</param>
    /// <param name="data">The pictures.</param>
    /// <param name="validation">Those to validate on, where they lie elsewhere.</param>
    /// <param name="cancellation">Stops it.</param>
    public static DataCheckResult? Of(MLContext mlContext, DataPath data, DataPath? validation, CancellationToken cancellation)
    {
        if (!data.IsPictures || validation is { IsPictures: false })
            return null;
        using var images = CheckedImages.Of(mlContext, data, validation);
        return images.All.Count <= MostImages ? DataChecker.Check(images.All, null, cancellation) : null;
    }
}
