using global::Samples.CommandLine;
using global::Samples.Planning;

namespace Microsoft.ML.ResNet.Tests.Samples;

/// <summary>What <c>train</c> chooses, without training.</summary>
[TestClass]
public class PlannerTests
{
    private static readonly Machine TwoCores = new(2, HasGpu: false), Gpu = new(16, HasGpu: true);
    private static readonly PictureFacts Photos = new(244, 153, ["ants", "bees"], 500, (500, 375));
    private static readonly PictureFacts Small = new(4000, 1000, ["cat", "dog"], 32, (32, 28));

    [TestMethod]
    public void Photos_get_224_pixels_and_ImageNet_weights()
    {
        var plan = Planner.Make(Photos, new(), given: null, TwoCores);

        Assert.AreEqual(TrainingPlan.ImageNet, plan.From);
        Assert.AreEqual(ResNetArchitecture.ImageNet(18), plan.Architecture);
        Assert.AreEqual(new ImageShape(3, 224, 224), plan.Image);
        Assert.AreEqual(ImageGeometry.CenterCrop, plan.Geometry);
        Assert.AreEqual(4, plan.Stages[0].FrozenStages);
        Assert.AreEqual(TrainingStage.Head, plan.Stages[0].Name);
    }

    [TestMethod]
    public void Small_pictures_keep_their_size_and_start_from_scratch()
    {
        var plan = Planner.Make(Small, new(), given: null, TwoCores);

        Assert.IsNull(plan.From);
        Assert.AreEqual(ResNetArchitecture.Cifar(20), plan.Architecture);
        Assert.AreEqual(new ImageShape(3, 28, 32), plan.Image);
        Assert.AreEqual(ImageGeometry.Fill, plan.Geometry);
        var recipe = plan.Stages.Single().Recipe;
        Assert.AreEqual(TrainingRecipe.Fast with { EarlyStopping = recipe.EarlyStopping }, recipe);
        Assert.IsNotNull(recipe.EarlyStopping);
    }

    [TestMethod]
    [DataRow(96, true)]
    [DataRow(97, false)]
    public void The_median_of_the_longer_sides_decides_what_is_small(int longerSide, bool isSmall)
        => Assert.AreEqual(isSmall, Planner.Make(Small with { MedianLongerSide = longerSide }, new(), null, TwoCores).From is null);

    [TestMethod]
    [DataRow(244, false, false, DisplayName = "244 photos on two cores: minutes for a percent")]
    [DataRow(244, true, true, DisplayName = "244 photos on a GPU")]
    [DataRow(2_000_000, true, false, DisplayName = "two million photos on a GPU")]
    public void The_whole_network_is_trained_where_it_is_worth_the_time(int pictures, bool onGpu, bool all)
    {
        var plan = Planner.Make(Photos with { Train = pictures }, new(), null, onGpu ? Gpu : TwoCores);

        CollectionAssert.AreEqual(all ? ["head", "all"] : new[] { "head" }, plan.Stages.Select(stage => stage.Name).ToArray());
        Assert.HasCount(1, plan.Choices.Where(choice => choice.Text.Contains("the whole network takes about", StringComparison.Ordinal))
            .ToList());
    }

    [TestMethod]
    public void Somebody_who_asks_for_all_gets_all_with_random_crops()
    {
        var plan = Planner.Make(Photos with { Train = 100_000 }, new() { Stage = "all", Epochs = 3 }, null, TwoCores);

        Assert.HasCount(2, plan.Stages);
        Assert.IsNull(plan.Stages[1].FrozenStages);
        Assert.AreEqual(3, plan.Stages[1].Recipe.NumberOfEpochs);
        Assert.AreEqual(TrainingRecipe.LinearProbe, plan.Stages[0].Recipe);
        Assert.IsInstanceOfType<RandomResizedCrop>(plan.Stages[1].Recipe.Augmentation[0]);
        Assert.IsInstanceOfType<HorizontalFlip>(plan.Stages[1].Recipe.Augmentation[1]);
    }

    [TestMethod]
    [DataRow("up,down,left,right")]
    [DataRow("A,B,C")]
    [DataRow("0,1,2,3,4,5,6,7,8,9")]
    [DataRow("traffic signs,roads")]
    public void What_would_become_something_else_is_not_mirrored(string classes)
    {
        var facts = Small with { Classes = classes.Split(',') };
        var small = Planner.Make(facts, new(), null, TwoCores).Stages.Single().Recipe;
        var photos = Planner.Make(facts with { MedianLongerSide = 500 }, new() { Stage = "all" }, null, TwoCores).Stages[1].Recipe;

        Assert.IsFalse(small.TestTimeFlip);
        Assert.DoesNotContain(augmentation => augmentation is HorizontalFlip, small.Augmentation);
        Assert.DoesNotContain(augmentation => augmentation is HorizontalFlip, photos.Augmentation);
        Assert.HasCount(1, photos.Augmentation);
    }

    [TestMethod]
    public void Whoever_says_how_to_change_pictures_is_obeyed()
    {
        var none = new AugmentationChoice(AugmentationPolicy.None, null);
        var flip = new AugmentationChoice([new HorizontalFlip()], new Mixup());
        var arrows = Small with { Classes = ["left", "right"] };

        Assert.IsFalse(Planner.Make(Small, new() { Augmentation = none }, null, TwoCores).Stages[0].Recipe.TestTimeFlip);
        var mirrored = Planner.Make(arrows, new() { Augmentation = flip }, null, TwoCores).Stages[0].Recipe;
        Assert.IsTrue(mirrored.TestTimeFlip);
        Assert.AreEqual(new Mixup(), mirrored.Mix);
    }

    [TestMethod]
    public void Few_small_pictures_are_seen_more_often()
    {
        var few = Planner.Make(Small with { Train = 800 }, new(), null, TwoCores).Stages[0].Recipe;
        var fewer = Planner.Make(Small with { Train = 50 }, new(), null, TwoCores).Stages[0].Recipe;

        Assert.AreEqual(25, few.NumberOfEpochs); // 20,000 / 800
        Assert.AreEqual(50, fewer.NumberOfEpochs);
    }

    [TestMethod]
    public void Freezing_and_recipes_make_one_training()
    {
        var frozen = Planner.Make(Photos, new() { Freeze = 2 }, null, TwoCores).Stages.Single();
        var tutorial = Planner.Make(Photos, new() { Recipe = TrainingRecipe.Tutorial }, null, TwoCores).Stages.Single();

        Assert.AreEqual(2, frozen.FrozenStages);
        Assert.AreEqual(TrainingRecipe.Tutorial, tutorial.Recipe);
    }

    [TestMethod]
    public void Another_network_has_no_ImageNet_weights()
    {
        var other = Planner.Make(Photos, new() { Architecture = ResNetArchitecture.ImageNet(50) }, null, TwoCores);
        var scratch = Planner.Make(Photos, new() { From = "scratch" }, null, TwoCores);

        Assert.IsNull(other.From);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Planner.Make(Photos,
            new() { Architecture = ResNetArchitecture.ImageNet(50), From = "imagenet" }, null, TwoCores)).Message, "those of resnet18");
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(
            () => Planner.Make(Small, new() { Stage = "head" }, null, TwoCores)).Message,
            "--stage is 'head', but this training starts from scratch");
        Assert.AreEqual(new ImageShape(3, 224, 224), other.Image);
        Assert.IsNull(scratch.From);
        Assert.IsInstanceOfType<RandomResizedCrop>(scratch.Stages.Single().Recipe.Augmentation[0]);
    }

    [TestMethod]
    public void Without_a_wish_other_data_is_trained_as_ever()
    {
        var scratch = Planner.AsAsked(new());
        var from = Planner.AsAsked(new() { From = "model.zip", Freeze = 1, Epochs = 2 });

        Assert.AreEqual(TrainingRecipe.Tutorial, scratch.Stages.Single().Recipe);
        Assert.AreEqual(ResNetArchitecture.Cifar(20), scratch.Architecture);
        Assert.AreEqual(TrainingRecipe.FineTune with { NumberOfEpochs = 2 }, from.Stages.Single().Recipe);
        Assert.AreEqual(1, from.Stages.Single().FrozenStages);
    }

    [TestMethod]
    public void Time_grows_with_pictures_epochs_and_multiply_adds_and_shrinks_with_cores()
    {
        var image = new ImageShape(3, 224, 224);
        var network = ResNetArchitecture.ImageNet(18);
        var usual = Estimates.Time(network, image, 2, 10, 244, 0, TwoCores).TotalSeconds;

        Assert.AreEqual(2 * usual, Estimates.Time(network, image, 2, 20, 244, 0, TwoCores).TotalSeconds, 1e-6);
        Assert.AreEqual(usual / 4, Estimates.Time(network, image, 2, 10, 244, 0, new(8, false)).TotalSeconds, 1e-6);
        // PyTorch's count of ResNet-18: 1.82 billion; a training step takes three passes.
        Assert.AreEqual(10 * 244 * 3 * 1.82e9 / TwoCores.Speed, usual, 0.01 * usual);
    }

    [TestMethod]
    public void Memory_holds_pictures_up_to_the_budget_and_what_learns()
    {
        const long Budget = 256L << 20;
        var head = Planner.Make(Photos, new() { Stage = "head" }, null, TwoCores);
        var all = Planner.Make(Photos, new() { Stage = "all" }, null, TwoCores);
        var many = Photos with { Train = 4000, Validation = 1000 };

        Assert.AreEqual(397L * 3 * 224 * 224, Estimates.Pixels(head, Photos));
        Assert.AreEqual((long)(3 * 224 * 224 * (1.5 * 1.5 * 244 + 153)), Estimates.Pixels(all, Photos));
        Assert.IsGreaterThan(Estimates.Memory(head, Photos, Budget), Estimates.Memory(all, Photos, Budget));
        Assert.IsLessThan(1_500_000_000L, Estimates.Memory(Planner.Make(many, new(), null, TwoCores), many, Budget));
        Assert.IsGreaterThan(1_500_000_000L, Estimates.Memory(Planner.Make(many, new(), null, TwoCores), many, long.MaxValue));
    }
}
