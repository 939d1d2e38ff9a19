namespace Samples.Pictures;

/// <summary>A file that should be a picture.</summary>
/// <param name="Label">Its class: the name of its folder.</param>
/// <param name="Name">Its name from its source on, with <c>/</c> between folders.</param>
internal sealed record Picture(string Label, string Name);

/// <summary>Pictures of one source, in the order of their classes and names.</summary>
/// <param name="Source">Where they lie.</param>
/// <param name="All">The pictures.</param>
internal sealed record PictureSet(PictureSource Source, IReadOnlyList<Picture> All)
{
    /// <summary>The classes, in order.</summary>
    public IReadOnlyList<string> Classes { get; } = [.. All.Select(picture => picture.Label).Distinct()];

    /// <summary>How many there are.</summary>
    public int Count => All.Count;

    /// <summary>Some of them.</summary>
    public PictureSet Where(Func<Picture, bool> isTaken) => new(Source, [.. All.Where(isTaken)]);
}
