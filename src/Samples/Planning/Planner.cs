using Microsoft.ML.ResNet;

namespace Samples.Planning;

/// <summary>What a plan depends on, of the pictures.</summary>
/// <param name="Train">How many there are to learn from.</param>
/// <param name="Validation">How many there are to validate on.</param>
/// <param name="Classes">The classes.</param>
/// <param name="MedianLongerSide">The median of the longer sides, in pixels.</param>
/// <param name="MedianSize">The median of widths and that of heights, in pixels.</param>
internal sealed record PictureFacts(int Train, int Validation, IReadOnlyList<string> Classes, int MedianLongerSide,
    (int Width, int Height) MedianSize);

/// <summary>Chooses what an expert would: a pure function of the pictures, the wishes and the machine.</summary>
internal static class Planner
{
    /// <summary>Up to this median of longer sides, in pixels, pictures are small: they keep their size, as CIFAR's do.</summary>
    public const int LargestSmallPicture = 96;

    private const int PicturesToSee = 20_000; // by a training from scratch, or else its epochs become more, up to the most
    private const int MostEpochs = 50;
    private const int FineTunePatience = 3; // epochs
    private const int ViewsOfHead = 4; // of each picture, where a head learns from changed ones
    private static readonly ImageAugmentation[] Photos = [new RandomResizedCrop(), new HorizontalFlip()];
    private static readonly ImageShape PhotoShape = new(3, 224, 224);

    /// <summary>
    /// Where the weights come from: <see cref="TrainingPlan.ImageNet"/>, a file, or <see langword="null"/> for a training from scratch.
    /// </summary>
    /// <param name="facts">The pictures.</param>
    /// <param name="wishes">What somebody has said already.</param>
    /// <exception cref="InvalidDataException">There are no such weights of the network that is wished.</exception>
    public static string? WeightsFor(PictureFacts facts, TrainingWishes wishes)
    {
        var isOther = wishes.Architecture is { } other && other != ResNetArchitecture.ImageNet(18);
        return wishes.From switch
        {
            "scratch" => null,
            null => isOther || IsSmall(facts, wishes) ? null : TrainingPlan.ImageNet,
            TrainingPlan.ImageNet when isOther => throw new InvalidDataException(
                $"--architecture is {wishes.Architecture!.Name}, but the ImageNet weights are those of resnet18. Leave out one of the two, "
                + "or name a file of weights by --from."),
            var source => source,
        };
    }

    /// <summary>Makes the plan.</summary>
    /// <param name="facts">The pictures.</param>
    /// <param name="wishes">What somebody has said already.</param>
    /// <param name="given">The model of <see cref="WeightsFor"/>, where there is one.</param>
    /// <param name="machine">What computes.</param>
    public static TrainingPlan Make(PictureFacts facts, TrainingWishes wishes, ResNetModelParameters? given, Machine machine)
        => WeightsFor(facts, wishes) is { } from ? FromWeights(facts, wishes, from, given, machine) : FromScratch(facts, wishes);

    /// <summary>The plan where somebody has said how everything is to be, and for data that is no files of pictures.</summary>
    public static TrainingPlan AsAsked(TrainingWishes wishes) => new()
    {
        Architecture = wishes.Architecture ?? (wishes.From is null or "scratch" ? ResNetArchitecture.Cifar(20) : null),
        From = wishes.From is "scratch" ? null : wishes.From,
        Geometry = wishes.Geometry?.Invoke(ImageGeometry.Fill),
        Stages = [new("", wishes.Apply(wishes.Recipe ?? (wishes.From is null or "scratch"
            ? TrainingRecipe.Tutorial
            : TrainingRecipe.FineTune)), wishes.Freeze)],
    };

    private static bool IsSmall(PictureFacts facts, TrainingWishes wishes)
        => Math.Max(wishes.Image?.Height ?? 0, wishes.Image?.Width ?? 0) is > 0 and var side
            ? side <= LargestSmallPicture
            : facts.MedianLongerSide <= LargestSmallPicture;

    private static TrainingPlan FromScratch(PictureFacts facts, TrainingWishes wishes)
    {
        if (wishes.Stage is { } stage)
            throw new InvalidDataException($"--stage is '{stage}', but this training starts from scratch, which trains everything at once. "
                + "Leave it out, or name weights to start from: --from imagenet or FILE.");
        var isSmall = IsSmall(facts, wishes);
        var architecture = wishes.Architecture ?? (isSmall ? ResNetArchitecture.Cifar(20) : ResNetArchitecture.ImageNet(18));
        var image = wishes.Image ?? (isSmall
            ? new ImageShape(3, facts.MedianSize.Height, facts.MedianSize.Width)
            : architecture.UsualImageShape);
        var fast = isSmall ? TrainingRecipe.Fast : TrainingRecipe.Fast with { Augmentation = AugmentationPolicy.Create(Photos) };
        fast = fast with { NumberOfEpochs = Math.Clamp(PicturesToSee / Math.Max(1, facts.Train), fast.NumberOfEpochs, MostEpochs) };
        fast = fast with { EarlyStopping = new EarlyStopping { Patience = Math.Max(FineTunePatience, fast.NumberOfEpochs / 2) } };
        var recipe = wishes.Apply(wishes.Recipe ?? WithoutMirror(fast, facts, wishes));
        return new TrainingPlan
        {
            Architecture = architecture,
            Image = image,
            Geometry = wishes.Apply(isSmall ? ImageGeometry.Fill : ImageGeometry.CenterCrop),
            Stages = [new("", recipe, wishes.Freeze)],
            Choices =
            [
                new("Network", $"{architecture.Name} from scratch, for {(isSmall ? "small " : "")}pictures of {image}",
                    "--architecture, --image, --from imagenet"),
                new("Recipe", $"{recipe.NumberOfEpochs} epochs at most", "--recipe, --epochs"),
                Mirrors(recipe, facts, wishes),
            ],
        };
    }

    private static TrainingPlan FromWeights(PictureFacts facts, TrainingWishes wishes, string from, ResNetModelParameters? given,
        Machine machine)
    {
        var isImageNet = from == TrainingPlan.ImageNet;
        var architecture = (isImageNet ? null : wishes.Architecture) ?? given?.Architecture ?? ResNetArchitecture.ImageNet(18);
        var image = wishes.Image ?? given?.ImageShape ?? PhotoShape;
        if (given is not null && image.Channels != given.ImageShape.Channels)
            throw new InvalidDataException($"--image is {image}, but the weights of {from} take pictures of {given.ImageShape.Channels} "
                + $"channels. Pass --image {given.ImageShape.Channels}x{image.Height}x{image.Width}, or --from scratch.");
        var fineTune = TrainingRecipe.FineTune with
        {
            Augmentation = AugmentationPolicy.Create(Photos),
            EarlyStopping = new EarlyStopping { Patience = FineTunePatience },
        };
        fineTune = WithoutMirror(fineTune, facts, wishes);
        var time = Estimates.Time(architecture, image, facts.Classes.Count, wishes.Epochs ?? fineTune.NumberOfEpochs, facts.Train,
            facts.Validation, machine);
        var stages = Stages(wishes, fineTune, architecture.Stages.Count, all: wishes.Stage is TrainingStage.All
            || wishes.Stage is null && time <= machine.Patience);
        var geometry = wishes.Apply(isImageNet || given is null ? ImageGeometry.CenterCrop : given.ImageGeometry);
        return new TrainingPlan
        {
            Architecture = architecture,
            Image = image,
            Geometry = geometry,
            From = from,
            Stages = stages,
            Choices =
            [
                new("Network", $"{(isImageNet ? "resnet18 from ImageNet weights" : $"{architecture.Name} from {from}")}, {image}, "
                    + $"{geometry}",
                    "--from FILE or scratch, --architecture, --image, --geometry"),
                StagesInWords(wishes, stages, time, machine),
                .. stages[^1].Name == TrainingStage.Head ? [] : new[] { Mirrors(stages[^1].Recipe, facts, wishes) },
            ],
        };
    }

    private static TrainingStage[] Stages(TrainingWishes wishes, TrainingRecipe fineTune, int stagesOfNetwork, bool all)
    {
        if (wishes.Recipe is not null || wishes.Freeze is not null)
        {
            if (wishes.Stage is { } stage)
                throw new InvalidDataException($"--stage is '{stage}', and --{(wishes.Recipe is null ? "freeze" : "recipe")} says how one "
                    + "stage is trained. Leave out one of the two.");
            var isProbe = ReferenceEquals(wishes.Recipe, TrainingRecipe.LinearProbe);
            return [new("", Cached(wishes.Apply(wishes.Recipe ?? fineTune)), wishes.Freeze ?? (isProbe ? stagesOfNetwork : null))];
        }
        return all
            ? [new(TrainingStage.Head, TrainingRecipe.LinearProbe, stagesOfNetwork), new(TrainingStage.All, wishes.Apply(fineTune))]
            : [new(TrainingStage.Head, Cached(wishes.Apply(TrainingRecipe.LinearProbe)), stagesOfNetwork)];
    }

    // Random changes would send every picture through the frozen layers in every epoch: a few views of each are as good, and computed once.
    private static TrainingRecipe Cached(TrainingRecipe recipe)
        => recipe is { Augmentation.Count: > 0, Mix: null, StandardizeFeatures: true } ? recipe with { CachedViews = ViewsOfHead } : recipe;

    private static Choice StagesInWords(TrainingWishes wishes, TrainingStage[] stages, TimeSpan time, Machine machine)
    {
        if (stages is [{ Name: "" } only])
            return new("Recipe", $"{only.Recipe.NumberOfEpochs} epochs{(only.FrozenStages is { } frozen
                ? $", {frozen} stages and the stem as they are" : "")}", "--recipe, --epochs, --freeze");
        var whole = $"the whole network takes about {Estimates.InWords(time)} on {machine}";
        return stages.Length == 2
            ? new("Stages", $"the head on features that are computed once, and then all of it; {whole}",
                wishes.Stage is null ? "--stage head" : "")
            : new("Stages", $"the head alone, on features that are computed once{(stages[0].Recipe.CachedViews is { } views
                ? $" of {views} random views of each picture ({stages[0].Recipe.Augmentation})" : "")}{(wishes.Stage is null
                    ? $"; {whole}"
                    : "")}",
                wishes.Stage is null ? "--stage all" : "");
    }

    private static TrainingRecipe WithoutMirror(TrainingRecipe recipe, PictureFacts facts, TrainingWishes wishes)
        => wishes.Augmentation is null && Mirroring.WhyNot(facts.Classes) is not null
            ? recipe with
            {
                Augmentation = [.. recipe.Augmentation.Where(augmentation => augmentation is not HorizontalFlip)],
                TestTimeFlip = false
            }
            : recipe;

    private static Choice Mirrors(TrainingRecipe recipe, PictureFacts facts, TrainingWishes wishes)
        => recipe.Augmentation.Any(augmentation => augmentation is HorizontalFlip)
            ? new("Changes", $"{recipe.Augmentation}, at random; for letters, signs and arrows leave out the flip", "--augment none")
            : new("Changes", $"{recipe.Augmentation}{(wishes.Augmentation is null && Mirroring.WhyNot(facts.Classes) is { } reason
                ? $"; not mirrored, because {reason}" : "")}", "--augment");
}
