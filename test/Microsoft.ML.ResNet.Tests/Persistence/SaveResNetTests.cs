using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Network;
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
