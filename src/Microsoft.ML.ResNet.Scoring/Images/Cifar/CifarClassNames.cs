using System.Collections.ObjectModel;

namespace Microsoft.ML.ResNet;

/// <summary>
/// The standard class names in label order: for files that come without their list of names, and for weights, which never have one.
/// </summary>
public static class CifarClassNames
{
    /// <summary>CIFAR-10's classes.</summary>
    public static IReadOnlyList<string> Cifar10 { get; } = Split("airplane automobile bird cat deer dog frog horse ship truck");

    /// <summary>CIFAR-100's 100 fine classes.</summary>
    public static IReadOnlyList<string> Cifar100Fine { get; } = Split(
        """
        apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
        castle caterpillar cattle
        chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox
        girl hamster house kangaroo keyboard
        lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange
        orchid otter palm_tree pear pickup_truck pine_tree
        plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper
        snail snake spider
        squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip
        turtle wardrobe whale willow_tree wolf woman worm
        """);

    /// <summary>CIFAR-100's 20 coarse classes.</summary>
    public static IReadOnlyList<string> Cifar100Coarse { get; } = Split(
        """
        aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices
        household_furniture insects large_carnivores
        large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores medium_mammals
        non-insect_invertebrates people
        reptiles small_mammals trees vehicles_1 vehicles_2
        """);

    private static ReadOnlyCollection<string> Split(string names)
        => Array.AsReadOnly(names.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
