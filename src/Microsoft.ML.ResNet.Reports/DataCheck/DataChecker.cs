using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Reports.DataCheck;

namespace Microsoft.ML.ResNet.Reports;

/// <summary>Checks whether images are fit to learn from, before anything is learnt.</summary>
public static class DataChecker
{
    /// <summary>Checks images.</summary>
    /// <param name="images">
    /// The images with their labels. The part of the first one is what a network learns from; images of other parts are validated or tested
    /// on.
    /// </param>
    /// <param name="options">Thresholds, and the network whose features are used; null for the defaults.</param>
    /// <param name="cancellation">Stops before the next image.</param>
    /// <returns>What was found.</returns>
    /// <exception cref="ArgumentException">There are no images, or an option is out of range (the message lists every one).</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    /// <remarks>
    /// Each image is read once, once more for features, and takes some 9 kB of memory with a ResNet-18's features (5 kB without); every
    /// pair of images is compared, but no list of pairs is kept, so that time grows with the square of their number and memory does not.
    /// </remarks>
    public static DataCheckResult Check(IReadOnlyList<CheckedImage> images, DataCheckOptions? options = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        options ??= new DataCheckOptions();
        if (options.Problems().ToList() is { Count: > 0 } problems)
            throw new ArgumentException(string.Join(" ", problems), nameof(options));
        if (images.Count == 0)
            throw new ArgumentException("Expected images to check, found none.", nameof(images));
        return new CheckRun(images, options, cancellation).Result();
    }

    /// <summary>
    /// Loads the ResNet-18 of ImageNet that the NuGet package <c>Microsoft.ML.DnnImageFeaturizer.ResNet18</c> brings, for
    /// <see cref="DataCheckOptions.Network"/>: at 224 x 224 pixels, as it was trained; at 128 x 128 for images of at most 64 pixels, which
    /// have no more to show.
    /// </summary>
    /// <param name="mlContext">The environment.</param>
    /// <param name="images">The images that are to be checked; the sizes of some decide.</param>
    /// <param name="modelsFolder">
    /// The package's folder <c>DnnImageModels</c>. The default, null, is the one that the package's build puts beside the application.
    /// </param>
    /// <returns>The network; dispose it.</returns>
    /// <exception cref="FileNotFoundException">The weights are not there; the message says how to add them to the project.</exception>
    /// <exception cref="WeightsFormatException">The file is damaged, or another than the package's.</exception>
    /// <exception cref="IOException">The file cannot be opened or read.</exception>
    public static ResNetTransformer LoadImageNetNetwork(MLContext mlContext, IReadOnlyList<CheckedImage> images,
        string? modelsFolder = null)
    {
        ArgumentNullException.ThrowIfNull(mlContext);
        ArgumentNullException.ThrowIfNull(images);
        const int Looks = 100, SmallSide = 64, SideForSmall = 128;
        const string FeatureColumn = "Features";
        var path = ImageNetBackbone.WeightsPath(modelsFolder);
        var step = Math.Max(1, images.Count / Looks);
        var looks = images.Where((_, place) => place % step == 0).Take(Looks).Select(ImageLook.At).Where(look => look.Problem is null)
            .ToList();
        return looks.Count > 0 && looks.All(look => Math.Max(look.Width, look.Height) <= SmallSide) && File.Exists(path)
            ? mlContext.Model.LoadResNetWeights(path, ImageNetBackbone.Options(modelsFolder, FeatureColumn) with
            {
                ImageShape = new ImageShape(3, SideForSmall, SideForSmall),
            })
            : mlContext.Model.LoadImageNetResNet18(modelsFolder);
    }
}
