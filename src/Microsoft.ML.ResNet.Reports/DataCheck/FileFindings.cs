namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>What is to be said about single files.</summary>
internal static class FileFindings
{
    private static readonly string[] Turns =
    [
        "mirrored", "upside down", "upside down and mirrored", "lying and mirrored", "lying on its left side", "lying and mirrored",
        "lying on its right side",
    ];

    /// <summary>An image, as findings name it.</summary>
    public static FoundImage Found(CheckedImage image) => new() { Name = image.Name, Label = image.Label, Part = image.Part };

    /// <summary>Files that cannot be read.</summary>
    public static IEnumerable<DataFinding> Unreadable(IReadOnlyList<CheckedImage> images, ImageLook[] looks)
        => from image in images.Zip(looks)
           where image.Second.Problem is not null
           select new DataFinding
           {
               Kind = DataFindingKind.Unreadable,
               IsSerious = true,
               Explanation = $"{image.Second.Problem}.",
               Images = [Found(image.First)],
           };

    /// <summary>Images that show nothing.</summary>
    public static IEnumerable<DataFinding> WithoutContrast(CheckedImage[] images, ImageLook[] looks, bool[] shows)
        => from image in images.Zip(looks, shows)
           where !image.Third
           orderby image.Second.Contrast
           select new DataFinding
           {
               Kind = DataFindingKind.NoContrast,
               Explanation = FormattableString.Invariant(
                   $"Its grey values differ by {image.Second.Contrast:f1} of 255 (standard deviation)."),
               Score = Math.Round(image.Second.Contrast, 2),
               Images = [Found(image.First)],
           };

    /// <summary>Images that are much smaller than the others, or much longer than wide.</summary>
    public static IEnumerable<DataFinding> UnusualSizes(CheckedImage[] images, ImageLook[] looks, DataCheckOptions options)
    {
        if (looks.Length == 0)
            yield break;
        var usual = looks.Select(Shorter).Order().ElementAt(looks.Length / 2);
        foreach (var (image, look) in images.Zip(looks))
        {
            var ratio = (double)Math.Max(look.Width, look.Height) / Shorter(look);
            var size = FormattableString.Invariant($"{look.Width}x{look.Height} pixels");
            var explanation = Shorter(look) < options.SmallPart * usual
                ? FormattableString.Invariant($"{size}, where the shorter side is {usual} in the median.")
                : ratio > options.LargestAspectRatio
                    ? FormattableString.Invariant($"{size}: one side is {ratio:f1} times the other.")
                    : null;
            if (explanation is not null)
                yield return new() { Kind = DataFindingKind.UnusualSize, Explanation = explanation, Images = [Found(image)] };
        }
    }

    /// <summary>Images that a camera's tag turns.</summary>
    public static IEnumerable<DataFinding> Turned(CheckedImage[] images, ImageLook[] looks)
        => from image in images.Zip(looks)
           where image.Second.Orientation > 1
           select new DataFinding
           {
               Kind = DataFindingKind.OrientationTag,
               Explanation = $"Its pixels are stored {Turns[image.Second.Orientation - 2]} (orientation tag {image.Second.Orientation}).",
               Images = [Found(image.First)],
           };

    private static int Shorter(ImageLook look) => Math.Min(look.Width, look.Height);
}
