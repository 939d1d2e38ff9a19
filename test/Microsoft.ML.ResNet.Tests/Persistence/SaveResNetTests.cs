using System.IO.Compression;
using System.IO.Hashing;
using System.Reflection;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Persistence;

/// <summary>Saving to a path, and the way from a loaded model to its network.</summary>
[TestClass]
public class SaveResNetTests
{
    private static readonly MLContext Ml = new(seed: 1);

    private string _path = "";

    [TestInitialize]
    public void MakeFolder()
        => _path = Path.Combine(Directory.CreateDirectory(Path.Combine(TestAssembly.TemporaryFolder, $"save-{Guid.NewGuid():n}")).FullName,
            "model.zip");

    [TestMethod]
    public void A_pipeline_comes_back_with_its_schema_and_scores_by_ML_NETs_Load_and_by_ours()
    {
        var data = TinyImages.View(Ml, 5);
        using var model = Chain(Network(), Copy("Again", "Score"));
        Ml.Model.SaveResNet(model, data.Schema, _path);

        using var ours = (TransformerChain<ITransformer>)Ml.Model.LoadResNet(_path, out var schema);
        using var theirs = (TransformerChain<ITransformer>)Ml.Model.Load(_path, out _);

        Assert.IsNotNull(schema!.GetColumnOrNull("Features"));
        ViewComparison.AssertSameRows(model.Transform(data), ours.Transform(data), "ours against what was saved");
        ViewComparison.AssertSameRows(ours.Transform(data), theirs.Transform(data), "theirs against ours");
    }

    [TestMethod]
    public void Weights_are_stored_and_all_else_is_what_ML_NETs_Save_writes()
    {
        var data = TinyImages.View(Ml, 5);
        using var model = Chain(Copy("Before", "Features"), Network(), Chain(Network()), Copy("Again", "Score"));
        Ml.Model.Save(model, data.Schema, _path + ".theirs");
        Ml.Model.SaveResNet(model, data.Schema, _path);

        using var theirs = ZipFile.OpenRead(_path + ".theirs");
        using var ours = ZipFile.OpenRead(_path);
        CollectionAssert.AreEqual(theirs.Entries.Select(entry => entry.FullName).ToArray(),
            ours.Entries.Select(entry => entry.FullName).ToArray());
        foreach (var (expected, actual) in theirs.Entries.Zip(ours.Entries))
        {
            CollectionAssert.AreEqual(SavedModel.Content(expected), SavedModel.Content(actual), expected.FullName);
            Assert.AreEqual(Crc32.HashToUInt32(SavedModel.Content(actual)), actual.Crc32, actual.FullName);
            if (actual.Name == ModelArchive.WeightsEntry)
                Assert.AreEqual(actual.Length, actual.CompressedLength);
            else if (actual.Length > 200)
                Assert.IsLessThan(actual.Length, actual.CompressedLength, actual.FullName);
        }
        Assert.AreEqual(2, ours.Entries.Count(entry => entry.Name == ModelArchive.WeightsEntry));
    }

    [TestMethod]
    public void A_file_whose_weights_are_deflated_or_stored_gives_one_model_to_every_reader()
    {
        var data = TinyImages.View(Ml, 5);
        using var model = Network();
        Ml.Model.Save(model, data.Schema, _path + ".deflated");
        Ml.Model.SaveResNet(model, data.Schema, _path);
        Assert.IsLessThan(new FileInfo(_path).Length, new FileInfo(_path + ".deflated").Length);

        var picture = Path.Combine(AppContext.BaseDirectory, "Corpus", "images", "subsampled.jpg");
        using var expected = model.CreateClassifier();
        foreach (var path in new[] { _path, _path + ".deflated" })
        {
            using var classifier = ImageClassifier.Load(path);
            AssertSame(expected.Predict(picture), classifier.Predict(picture));
            foreach (var loaded in new[] { Ml.Model.LoadResNet(path, out _), Ml.Model.Load(path, out _) })
                using (loaded as IDisposable)
                    ViewComparison.AssertSameRows(model.Transform(data), loaded.Transform(data), path);
        }
    }

    [TestMethod]
    public void Nothing_is_left_in_the_folder_for_temporary_files()
    {
        var folder = Path.Combine(Path.GetDirectoryName(_path)!, "temporary"); // made when it is needed, as by ML.NET
        var ml = new MLContext { TempFilePath = folder };
        using var model = Network();
        ml.Model.SaveResNet(model, null, _path);
        Assert.IsEmpty(Directory.GetFileSystemEntries(folder));

        Directory.Delete(folder);
        File.WriteAllText(folder, "no folder");
        var before = File.ReadAllBytes(_path);
        StringAssert.Contains(Assert.Throws<IOException>(() => ml.Model.SaveResNet(model, null, _path)).Message, "was not written");
        CollectionAssert.AreEqual(before, File.ReadAllBytes(_path));
    }

    [TestMethod]
    public void Another_model_that_is_saved_meanwhile_on_the_same_thread_is_noticed()
    {
        using var model = Network();
        using var target = new MemoryStream();
        var error = Assert.Throws<InvalidOperationException>(() => StoredWeights.Save(target, Path.GetDirectoryName(_path)!, zip =>
        {
            Ml.Model.Save(model, null, zip);
            Ml.Model.Save(model, null, _path + ".other");
        }));
        StringAssert.Contains(error.Message, "lacks the weights");
    }

    [TestMethod]
    public void A_bit_of_weights_that_come_in_many_pieces_is_noticed_by_every_reader()
    {
        var large = SavedModel.Create(ResNetArchitecture.Cifar(110), shape: new ImageShape(3, 32, 32)); // 7 MB
        using (var model = new ResNetTransformer(Ml, large, SavedModel.Columns))
            Ml.Model.SaveResNet(model, null, _path);
        ImageClassifier.Load(_path).Dispose();

        var file = File.ReadAllBytes(_path);
        var last = large.Weights[^1].Data.ToArray();
        var place = file.AsSpan().LastIndexOf(last);
        file[place] ^= 1; // the smallest change of a number
        File.WriteAllBytes(_path, file);

        foreach (var read in new Action[]
            { () => ImageClassifier.Load(_path), () => Ml.Model.LoadResNet(_path, out _), () => Ml.Model.Load(_path, out _) })
            Assert.Contains("SHA-256", $"{Assert.Throws<Exception>(read)}");
    }

    [TestMethod]
    public void Weights_are_read_from_the_zip_itself()
        => Assert.AreEqual(typeof(Dictionary<string, ZipArchiveEntry>), // else from a copy of ML.NET's, which takes longer
            typeof(RepositoryReader).GetField("_entries", BindingFlags.Instance | BindingFlags.NonPublic)?.FieldType);

    [TestMethod]
    public void Without_a_schema_none_comes_back()
    {
        using var model = Network();
        Ml.Model.SaveResNet(model, null, _path);
        using var loaded = (ResNetTransformer)Ml.Model.LoadResNet(_path, out var schema);
        Assert.IsNull(schema);
    }

    [TestMethod]
    public void The_network_is_found_alone_in_a_chain_and_in_a_chain_within_a_chain()
    {
        using var network = Network();
        using var other = Network();
        foreach (var model in new ITransformer[]
        {
            network, Chain(network), Chain(Copy("A", "Features"), network, Copy("B", "Score")),
            Chain(Copy("A", "Features"), Chain(Copy("B", "A"), Chain(network)), Copy("C", "Score")), Chain(Chain(network), other),
        })
            Assert.AreSame(network, model.FindResNet());

        Assert.IsNull(Copy("A", "B").FindResNet());
        Assert.IsNull(Chain(Copy("A", "B"), Chain()).FindResNet());
        Assert.Throws<ArgumentNullException>(() => ((ITransformer)null!).FindResNet());
    }

    [TestMethod]
    public void A_loaded_chain_gives_its_network()
    {
        using var model = Chain(Network(), Copy("Again", "Score"));
        Ml.Model.SaveResNet(model, null, _path);
        using var loaded = (IDisposable)Ml.Model.Load(_path, out _);
        Assert.AreEqual(SavedModel.Narrow, ((ITransformer)loaded).FindResNet()!.Model.Architecture);
    }

    [TestMethod]
    public void What_cannot_be_saved_is_refused_and_the_model_of_before_is_whole()
    {
        using (var model = Network())
            Ml.Model.SaveResNet(model, null, _path);
        var before = File.ReadAllBytes(_path);

        // No schema would take images of that size; the network itself is small.
        using var large = new ResNetTransformer(Ml, SavedModel.Create() with { Shape = new ImageShape(3, 16_384, 16_384) },
            SavedModel.Columns);
        using var many = new ResNetTransformer(Ml, SavedModel.Create(classes: new ClassLabels(100_001)), SavedModel.Columns);
        using var own = Chain(Network(), Ml.Transforms.CustomMapping<TinyImage, TinyImage>((_, _) => { }, contractName: null)
            .Fit(TinyImages.View(Ml, 1)));

        foreach (var (model, reason) in new (ITransformer, string)[]
            { (large, "3x16384x16384"), (Chain(Chain(many)), "100001 classes"), (own, "") })
        {
            StringAssert.Contains(Assert.Throws<InvalidOperationException>(() => Ml.Model.SaveResNet(model, null, _path)).Message, reason);
            CollectionAssert.AreEqual(before, File.ReadAllBytes(_path), reason);
            Assert.ContainsSingle(Directory.GetFileSystemEntries(Path.GetDirectoryName(_path)!), reason);
        }
    }

    [TestMethod]
    public void Arguments_are_checked()
    {
        using var model = Network();
        Assert.Throws<ArgumentException>(() => Ml.Model.SaveResNet(model, null, ""));
        Assert.Throws<ArgumentNullException>(() => Ml.Model.SaveResNet(null!, null, _path));
        Assert.Throws<ArgumentNullException>(() => ((ModelOperationsCatalog)null!).SaveResNet(model, null, _path));
        Assert.IsFalse(File.Exists(_path));
    }

    private static void AssertSame(ImagePrediction expected, ImagePrediction actual)
    {
        Assert.IsTrue(expected.IsReadable, expected.Problem);
        CollectionAssert.AreEqual(expected.Top.Select(top => (top.Name, top.Probability)).ToArray(),
            actual.Top.Select(top => (top.Name, top.Probability)).ToArray());
    }

    private static ResNetTransformer Network() => new(Ml, SavedModel.Create(), SavedModel.Columns);

    private static ITransformer Copy(string output, string input)
        => Ml.Transforms.CopyColumns(output, input).Fit(Ml.Data.LoadFromEnumerable(new[] { new Row() }));

    private static TransformerChain<ITransformer> Chain(params ITransformer[] steps) => new(steps);

    private sealed class Row
    {
        public float A { get; set; }

        public float B { get; set; }

        public float Score { get; set; }

        [VectorType(3, 8, 8)]
        public byte[] Features { get; set; } = [];
    }
}
