using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Scoring;

namespace Microsoft.ML.ResNet;

/// <summary>Classifies ML.NET's images, as an addition to <see cref="ImageClassifier"/>.</summary>
public static class MLImageClassification
{
    /// <summary>Tells what is on an image in memory.</summary>
    /// <param name="classifier">The network.</param>
    /// <param name="image">The image, which stays the caller's. It stands as it does: it has no orientation tag any more.</param>
    /// <param name="options">What is wanted; <see langword="null"/> is the default: the five likeliest classes.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The classes, or why there are none.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static ImagePrediction Predict(this ImageClassifier classifier, MLImage image, ImagePredictionOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(classifier);
        ArgumentNullException.ThrowIfNull(image);
        return classifier.Predict((_, pixels) => Decode(image, classifier.Pictures, pixels), options, cancellationToken);
    }

    private static DecodedPicture Decode(MLImage image, PictureDecoder pictures, Span<byte> pixels)
        => image.PixelFormat is MLPixelFormat.Bgra32 or MLPixelFormat.Rgba32
            ? pictures.Convert(image.Pixels, new(image.Height, image.Width), image.PixelFormat == MLPixelFormat.Bgra32, pixels)
            : DecodedPicture.None(ImageProblemKind.UnknownFormat,
                $"expected pixels of the format Bgra32 or Rgba32, found {image.PixelFormat}");
}
