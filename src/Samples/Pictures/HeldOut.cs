namespace Samples.Pictures;

/// <summary>Holds out a part of every class, file by file, before any picture is decoded.</summary>
internal static class HeldOut
{
    /// <summary>The part that is held out where nobody says another: a fifth.</summary>
    public const double UsualFraction = 0.2;

    /// <summary>Splits a set.</summary>
    /// <param name="set">The pictures.</param>
    /// <param name="fraction">
    /// The part to hold out, above 0 and below 1. Each class gives its part, at least one picture if it has two, and never all.
    /// </param>
    /// <param name="seed">Decides which; the same seed holds out the same files.</param>
    /// <exception cref="InvalidDataException">Every class has a single picture.</exception>
    public static (PictureSet Train, PictureSet Validation) Split(PictureSet set, double fraction, int seed)
    {
        if (set.Count == set.Classes.Count)
            throw new InvalidDataException(
                $"{set.Source.Path}: expected some pictures of each class, found {Names.Count(set.Classes.Count, "class", "classes")} of "
                + "one picture each. Are the folders the classes? Sort the pictures into one folder for each class, with two pictures at "
                + "least; ten of each are a beginning.");
        var random = new Random(seed);
        var held = new HashSet<Picture>();
        foreach (var label in set.All.GroupBy(picture => picture.Label))
        {
            var pictures = label.ToArray();
            random.Shuffle(pictures);
            var count = pictures.Length < 2 ? 0 : Math.Clamp((int)Math.Round(pictures.Length * fraction), 1, pictures.Length - 1);
            held.UnionWith(pictures.Take(count));
        }
        return (set.Where(picture => !held.Contains(picture)), set.Where(held.Contains));
    }
}
