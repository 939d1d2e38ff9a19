using Microsoft.ML.ResNet.Tests.Persistence;

namespace Microsoft.ML.ResNet.Tests.Classifying;

/// <summary>
/// A model file as ML.NET wrote it, opened by <see cref="ImageClassifier.Load(string, ImageClassifierOptions?)"/> without ML.NET.
/// </summary>
[TestClass]
public class OpenModelTests
{
    private const string Weights = "weights.safetensors", Description = "model.json";
    private static readonly MLContext Ml = new(seed: 1);
    private static readonly ImagePredictionOptions All = new() { Top = int.MaxValue };
    private static readonly string Golden = Path.Combine(AppContext.BaseDirectory, "Golden", "models", "format-1.zip");

    [TestMethod]
    public void It_predicts_what_the_model_that_ML_NET_loads_predicts_bit_for_bit()
    {
        using var expected = Ml.Model.LoadImageClassifier(Golden);
        using var opened = ImageClassifier.Load(Golden);
        using var file = File.OpenRead(Golden);
        using var streamed = ImageClassifier.Load(file);
        var pictures = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Corpus", "images"), "*.jpg");
        Assert.IsGreaterThan(2, pictures.Length);

        CollectionAssert.AreEqual(expected.Model.ClassNames.ToArray(), opened.Model.ClassNames.ToArray());
        foreach (var picture in pictures)
        {
            var answers = expected.Predict(picture, All).Top.ToArray();
            CollectionAssert.AreEqual(answers, opened.Predict(picture, All).Top.ToArray(), picture);
            CollectionAssert.AreEqual(answers, streamed.Predict(picture, All).Top.ToArray(), picture);
        }
    }

    [TestMethod]
    public void Of_two_networks_the_first_of_the_pipeline_answers()
    {
        var first = Step("TransformerChain/Transform_001/", "a", "b", "c");
        var second = Step("TransformerChain/Transform_002/", "x", "y", "z");

        using var opened = ImageClassifier.Load(new MemoryStream(SavedModel.Zip([.. second, .. first])));

        CollectionAssert.AreEqual(new[] { "a", "b", "c" }, opened.Model.ClassNames.ToArray());
    }

    [TestMethod]
    public void A_model_without_a_network_is_told_so()
    {
        var entries = SavedModel.Unzip(File.ReadAllBytes(Golden));

        foreach (var missing in new[] { Description, Weights })
        {
            var rest = SavedModel.Zip(entries.Where(entry => !entry.Name.EndsWith(missing, StringComparison.Ordinal)));
            var error = Assert.ThrowsExactly<ModelFormatException>(() => ImageClassifier.Load(new MemoryStream(rest)));
            StringAssert.Contains(error.Message, "no residual network");
        }
    }

    [TestMethod]
    public void Weights_that_were_changed_are_refused()
    {
        var entries = Step("", "a", "b", "c").Select(entry => entry.Name == Weights ? (entry.Name, Flipped(entry.Bytes)) : entry);

        var error = Assert.ThrowsExactly<ModelFormatException>(() => ImageClassifier.Load(new MemoryStream(SavedModel.Zip(entries))));

        StringAssert.Contains(error.Message, "SHA-256");
    }

    [TestMethod]
    public void A_file_that_ends_anywhere_is_refused()
    {
        var file = File.ReadAllBytes(Golden);

        for (var length = 0; length < file.Length; length += 997)
            Assert.ThrowsExactly<ModelFormatException>(() => ImageClassifier.Load(new MemoryStream(file[..length])), $"{length} bytes");
    }

    [TestMethod]
    public void A_disposed_classifier_says_so()
    {
        var classifier = ImageClassifier.Load(Golden);
        var picture = Path.Combine(AppContext.BaseDirectory, "Corpus", "images", "subsampled.jpg");
        Assert.IsTrue(classifier.Predict(picture).IsReadable);

        classifier.Dispose();

        Assert.ThrowsExactly<ObjectDisposedException>(() => classifier.Predict(picture));
    }

    private static IEnumerable<(string Name, byte[] Bytes)> Step(string folder, params string[] classes)
    {
        var (description, weights) = SavedModel.Entries(SavedModel.Create(classes: SavedModel.TextLabels(classes)));
        return [(folder + Description, description), (folder + Weights, weights)];
    }

    private static byte[] Flipped(byte[] bytes)
    {
        var flipped = bytes.ToArray();
        flipped[^1] ^= 1;
        return flipped;
    }
}
