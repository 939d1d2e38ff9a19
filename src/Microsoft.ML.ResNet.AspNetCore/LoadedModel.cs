using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.AspNetCore;

/// <summary>One content of the model's file, in use until the last that computes with it is done. Thread-safe.</summary>
internal sealed class LoadedModel
{
    private int _users = 1; // whoever loaded it

    private LoadedModel(ImageClassifier classifier, FileStamp? stamp) => (Classifier, Stamp) = (classifier, stamp);

    /// <summary>Tells what is on a picture, between <see cref="TryEnter"/> and <see cref="Leave"/>.</summary>
    public ImageClassifier Classifier { get; }

    /// <summary>What the file was when loading began.</summary>
    public FileStamp? Stamp { get; }

    /// <summary>
    /// Loads it, and computes one grey picture, so that the first request does not wait for what is compiled at first use.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="limits">What the classifier refuses.</param>
    public static LoadedModel Load(string path, ImageClassifierOptions limits)
    {
        var stamp = FileStamp.Of(path);
        var classifier = new MLContext().Model.LoadImageClassifier(path, limits);
        try
        {
            var shape = classifier.Model.ImageShape;
            using var grey = MLImage.CreateFromPixels(shape.Width, shape.Height, MLPixelFormat.Rgba32,
                [.. Enumerable.Repeat((byte)128, 4 * shape.PlaneSize)]);
            _ = classifier.Predict(grey, new() { WithActivationMap = true });
            return new(classifier, stamp);
        }
        catch
        {
            classifier.Dispose();
            throw;
        }
    }

    /// <summary>Holds it, unless all have left.</summary>
    public bool TryEnter()
    {
        for (var users = Volatile.Read(ref _users); users > 0;)
        {
            var before = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (before == users)
                return true;
            users = before;
        }
        return false;
    }

    /// <summary>Lets it go; the last frees the network.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            Classifier.Dispose();
    }
}
