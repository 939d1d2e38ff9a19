using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet;

/// <content>Features.</content>
public sealed partial class ResNetTransformer
{
    /// <summary>
    /// Adds what the network knows of every image before it is asked for a class: the features that its last layer reads, as one column.
    /// </summary>
    /// <param name="input">The rows; they need the feature column only. All their columns pass through.</param>
    /// <param name="outputColumnName">
    /// The name of the added column: a vector of <see cref="float"/>, 512 numbers for ResNet-18. The default is <c>ImageFeatures</c>.
    /// </param>
    /// <returns>
    /// A view that computes batch by batch, as rows are read. An image that cannot be read has NaN for every feature; a warning counts
    /// these.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">The column of images is missing or of another type.</exception>
    /// <exception cref="ArgumentException"><paramref name="outputColumnName"/> is empty.</exception>
    /// <remarks>
    /// Images that look alike have features that point the same way, so they serve search (the nearest by the cosine of the angle),
    /// clustering (<c>mlContext.Clustering.Trainers.KMeans("ImageFeatures")</c>), the search for duplicates, and other learners than the
    /// network's own last layer. They are means of rectified values: 0 or more, and of no fixed scale. They are those of the image itself:
    /// a model that looks at mirror images too (<see cref="TrainingRecipe.TestTimeFlip"/>) does not do so here. Safe to use from many
    /// threads, as <see cref="Transform"/> is.
    /// </remarks>
    public IDataView Featurize(IDataView input, string outputColumnName = "ImageFeatures")
    {
        Host.CheckValue(input, nameof(input));
        Host.CheckNonWhiteSpace(outputColumnName, nameof(outputColumnName));
        var (column, images) = FindImages(input.Schema);
        var features = ImageOutput.Features(_scorer);
        var added = new DataViewSchema.DetachedColumn(outputColumnName,
            new VectorDataViewType(NumberDataViewType.Single, features.Width));
        return new ScoredView(Host, input, new ColumnBindings(input.Schema, [added]), features, _network.Target, images, column);
    }
}
