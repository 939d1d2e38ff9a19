namespace Microsoft.ML.ResNet;

/// <content>One call for one picture.</content>
public sealed partial class ResNetTransformer
{
    /// <summary>
    /// Makes a classifier of pictures of this network, for applications that have a file, a stream, bytes or an image in memory. It is
    /// thread-safe, and its probabilities are those of <see cref="Transform"/>, bit for bit.
    /// </summary>
    /// <param name="options">What it refuses to look at; <see langword="null"/> for the default.</param>
    /// <returns>The classifier, which computes with this network: it lives as long as this does, and need not be disposed.</returns>
    /// <remarks>Of a pipeline, only the network is asked: steps before it, such as one that changes colours, are left out.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="NotSupportedException">The network takes images of 2 or 4 channels.</exception>
    public ImageClassifier CreateClassifier(ImageClassifierOptions? options = null) => new(Model, _scorer, options, owned: null);

    /// <summary>The same for a network that nobody else holds: the classifier disposes it.</summary>
    internal ImageClassifier IntoClassifier(ImageClassifierOptions? options) => new(Model, _scorer, options, owned: this);
}
