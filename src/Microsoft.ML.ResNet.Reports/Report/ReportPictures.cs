using Microsoft.ML.ResNet.Reports.Pages;

namespace Microsoft.ML.ResNet.Reports.Report;

/// <summary>The pictures of a report: names, thumbnails as far as there is room, and where the network looked.</summary>
/// <param name="choice">Which pictures.</param>
/// <param name="side">The longer side of a thumbnail, in pixels.</param>
internal sealed class ReportPictures(PictureChoice choice, int side)
{
    // Of 5 MB: base64 makes four bytes of three, and names, numbers and the page itself need a part.
    private const long MostBytes = 2_600_000;

    private readonly Dictionary<long, string> _names = [];
    private readonly Dictionary<long, byte[]> _thumbnails = [];

    /// <summary>The pictures of which it is told where the network looked, with the maps.</summary>
    public List<LookedAt> Looks { get; } = [];

    /// <summary>Reads the pictures.</summary>
    /// <param name="data">Where they are.</param>
    /// <param name="network">The network.</param>
    public void Read(ScoredData data, ResNetTransformer network)
    {
        var candidates = choice.Candidates.Select(outcome => outcome.Row).ToHashSet();
        var looks = choice.SurestMistakes.Concat(choice.Samples).DistinctBy(outcome => outcome.Row)
            .ToDictionary(outcome => outcome.Row);
        var glance = new Glance(network);
        data.ReadPictures(choice.Listed.ToDictionary(outcome => outcome.Row, outcome => candidates.Contains(outcome.Row)),
            (row, name, pixels) =>
            {
                _names[row] = name;
                if (pixels is not { } image)
                    return;
                _thumbnails[row] = Thumbnail.Create(image.Span, network.Model.ImageShape, side);
                if (looks.TryGetValue(row, out var outcome))
                    Looks.Add(new(outcome, glance.At(image, outcome)));
            });
        Looks.Sort((one, other) => Order(one.Outcome).CompareTo(Order(other.Outcome)));
        RemoveWhatFindsNoRoom();
        ShortenNames();

        (bool, double) Order(Outcome outcome) => (outcome.IsRight, outcome.IsRight ? outcome.Label : -outcome.Confidence);
    }

    /// <summary>The name of a listed picture.</summary>
    public string NameOf(Outcome outcome) => _names.GetValueOrDefault(outcome.Row, $"row {outcome.Row + 1}");

    /// <summary>Its thumbnail, or <see langword="null"/>.</summary>
    public byte[]? ThumbnailOf(Outcome outcome) => _thumbnails.GetValueOrDefault(outcome.Row);

    private void RemoveWhatFindsNoRoom()
    {
        var used = 0L;
        foreach (var outcome in choice.Candidates)
            if (_thumbnails.TryGetValue(outcome.Row, out var thumbnail) && (used += thumbnail.Length) > MostBytes)
                _thumbnails.Remove(outcome.Row);
    }

    // Paths begin alike; what all share says nothing, and may be nobody's business.
    private void ShortenNames()
    {
        if (_names.Count < 2)
            return;
        var (first, last) = (_names.Values.Min(StringComparer.Ordinal)!, _names.Values.Max(StringComparer.Ordinal)!);
        var shared = first.Zip(last).TakeWhile(pair => pair.First == pair.Second).Count();
        var cut = first[..shared].LastIndexOfAny(['/', '\\', ':']) + 1;
        foreach (var row in _names.Keys)
            _names[row] = _names[row][cut..];
    }
}

/// <summary>A picture, and where the network looked on it.</summary>
/// <param name="Outcome">What the network says of it.</param>
/// <param name="Maps">A map of the predicted class, and of the true class where that is another.</param>
internal sealed record LookedAt(Outcome Outcome, IReadOnlyList<ActivationMap> Maps);
