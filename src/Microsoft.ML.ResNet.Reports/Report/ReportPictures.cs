using System.Text;
using Microsoft.ML.ResNet.Reports.Pages;

namespace Microsoft.ML.ResNet.Reports.Report;

/// <summary>The pictures of a report: names, thumbnails as far as there is room, and where the network looked.</summary>
/// <param name="choice">Which pictures.</param>
/// <param name="side">The longer side of a thumbnail, in pixels.</param>
internal sealed class ReportPictures(PictureChoice choice, int side)
{
    private const int MostNameBytes = 2_000_000; // of all names, of the page's 5 MB
    private const int BytesOfLetter = 6; // at most: \uXXXX

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
        ShortenNames();

        (bool, double) Order(Outcome outcome) => (outcome.IsRight, outcome.IsRight ? outcome.Label : -outcome.Confidence);
    }

    /// <summary>The name of a listed picture.</summary>
    public string NameOf(Outcome outcome) => _names.GetValueOrDefault(outcome.Row, $"row {outcome.Row + 1}");

    /// <summary>Its thumbnail, or <see langword="null"/>.</summary>
    public byte[]? ThumbnailOf(Outcome outcome) => _thumbnails.GetValueOrDefault(outcome.Row);

    /// <summary>Removes the thumbnails that find no room, the least important ones.</summary>
    /// <param name="room">Bytes of the page that are left for thumbnails.</param>
    public void KeepThumbnails(long room)
    {
        foreach (var outcome in choice.Candidates)
            if (_thumbnails.TryGetValue(outcome.Row, out var thumbnail) && (room -= InBase64(thumbnail)) < 0)
                _thumbnails.Remove(outcome.Row);
    }

    private static int InBase64(byte[] bytes) => (bytes.Length + 2) / 3 * 4 + 2; // with its quotes

    // Paths begin alike; what all share says nothing, and may be nobody's business.
    private void ShortenNames()
    {
        if (_names.Count < 2)
            return;
        var (first, last) = (_names.Values.Min(StringComparer.Ordinal)!, _names.Values.Max(StringComparer.Ordinal)!);
        var shared = first.Zip(last).TakeWhile(pair => pair.First == pair.Second).Count();
        var cut = first[..shared].LastIndexOfAny(['/', '\\', ':']) + 1;
        foreach (var row in _names.Keys)
            _names[row] = End(_names[row][cut..], MostNameBytes / _names.Count);
    }

    // Names end differently, and begin alike.
    private static string End(string name, int most)
    {
        if (Encoding.UTF8.GetByteCount(ReportFormat.Encoder.Encode(name)) <= most)
            return name;
        var end = name[^(most / BytesOfLetter)..];
        return "…" + (char.IsLowSurrogate(end[0]) ? end[1..] : end);
    }
}

/// <summary>A picture, and where the network looked on it.</summary>
/// <param name="Outcome">What the network says of it.</param>
/// <param name="Maps">A map of the predicted class, and of the true class where that is another.</param>
internal sealed record LookedAt(Outcome Outcome, IReadOnlyList<ActivationMap> Maps);
