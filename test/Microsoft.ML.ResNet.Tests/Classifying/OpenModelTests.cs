using System.Text;
using Microsoft.ML.ResNet.Tests.Persistence;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Classifying;

/// <summary>
/// A model file as ML.NET wrote it, opened by <see cref="ImageClassifier.Load(string, ImageClassifierOptions?)"/> without ML.NET.
/// </summary>
[TestClass]
public class OpenModelTests
{
    private const string Weights = "weights.safetensors", Description = "model.json", Header = "Model.key";
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
        var entries = Step("TransformerChain/", "a", "b", "c")
            .Select(entry => entry.Name == $"TransformerChain/{Weights}" ? (entry.Name, Flipped(entry.Bytes)) : entry);

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

    // ML.NET names its folders, and says in each who reads it; on Windows its zips have backslashes.
    [TestMethod]
    public void What_ML_NET_would_not_take_for_a_step_of_the_pipeline_is_not_asked()
    {
        var own = Step("TransformerChain/Transform_001/", "a", "b", "c").ToList();
        foreach (var decoy in new[] { "", "A/", "TransformerChain/A/", "TransformerChain/Transform_x/", "Loader/Transform_000/" })
            Check([.. Step(decoy, "x", "y", "z"), .. own]);
        var first = Step("TransformerChain/Transform_000/", "x", "y", "z").ToList();
        var header = first.Single(entry => entry.Name.EndsWith(Header, StringComparison.Ordinal));
        first.Remove(header);
        Check([.. first, .. own]);
        Check([.. first, (header.Name, OfAnotherReader(header.Bytes)), .. own]);
        Check([.. own.Select(entry => (entry.Name.Replace('/', '\\'), entry.Bytes))]);

        static void Check(IEnumerable<(string Name, byte[] Bytes)> entries)
        {
            using var opened = ImageClassifier.Load(new MemoryStream(SavedModel.Zip(entries)));
            CollectionAssert.AreEqual(new[] { "a", "b", "c" }, opened.Model.ClassNames.ToArray());
        }
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    [Timeout(20_000)]
    public void A_pipe_is_refused_and_not_waited_for()
    {
        var pipe = Path.Combine(TestAssembly.TemporaryFolder, $"pipe-{Guid.NewGuid():n}");
        using (var made = System.Diagnostics.Process.Start("mkfifo", pipe))
            made.WaitForExit();

        StringAssert.Contains(Assert.Throws<IOException>(() => ImageClassifier.Load(pipe)).Message, "a pipe");
        StringAssert.Contains(Assert.Throws<IOException>(() => Ml.Model.LoadResNet(pipe, out _)).Message, "a pipe");
    }

    private static IEnumerable<(string Name, byte[] Bytes)> Step(string folder, params string[] classes)
    {
        var (description, weights) = SavedModel.Entries(SavedModel.Create(classes: SavedModel.TextLabels(classes)));
        var header = SavedModel.Unzip(File.ReadAllBytes(Golden)).Single(entry => entry.Name.EndsWith(Header, StringComparison.Ordinal)
            && Encoding.ASCII.GetString(entry.Bytes).Contains("ResNetTransformer", StringComparison.Ordinal));
        return [(folder + Description, description), (folder + Weights, weights), (folder + Header, header.Bytes)];
    }

    private static byte[] OfAnotherReader(byte[] header)
        => Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(header)
            .Replace("ResNetTransformer", "ValueToKeyMapping", StringComparison.Ordinal));

    private static byte[] Flipped(byte[] bytes)
    {
        var flipped = bytes.ToArray();
        flipped[^1] ^= 1;
        return flipped;
    }
}
