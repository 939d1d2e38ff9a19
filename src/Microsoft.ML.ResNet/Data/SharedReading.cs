using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.ResNet.Images;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Data;

/// <summary>
/// What several processes that each read every n-th image tell one another in the end, so that all know all rows. Rows that only one of
/// them has looked at may turn out to be unreadable.
/// </summary>
/// <param name="processes">The processes.</param>
internal sealed class SharedReading(ProcessGroup processes)
{
    private readonly List<(long Index, int Class, float? Weight)> _rows = [];
    private readonly List<(long Index, string Problem)> _unreadable = [];

    /// <summary>What a process tells the others.</summary>
    /// <param name="Unreadable">Its rows without a readable image, and why.</param>
    /// <param name="Sizes">Sizes of the whole pictures of its readable rows, heights and widths in turn; empty without.</param>
    /// <param name="Sums">Sums and sums of squares of its pixels, by channel.</param>
    /// <param name="Images">How many images these are of.</param>
    internal sealed record Told(Dictionary<long, string> Unreadable, int[] Sizes, long[] Sums, long Images);

    /// <summary>Whether this process reads a row's image.</summary>
    public bool IsOwn(long index) => RankOf(index) == processes.Rank;

    /// <summary>The rows whose images this process asks for.</summary>
    public RowsWanted Wanted => new(IsOwn);

    /// <summary>How many of some rows a process reads at most.</summary>
    public long? PartOf(long? rows) => (rows + processes.Size - 1) / processes.Size;

    /// <summary>Takes in a row whose label and weight can be used, be its image read here or elsewhere.</summary>
    public void Add(long index, int ofClass, float? weight) => _rows.Add((index, ofClass, weight));

    /// <summary>Takes in that a row's image cannot be read.</summary>
    public void AddUnreadable(long index, string problem) => _unreadable.Add((index, problem));

    /// <summary>Makes the set of all rows. Every process must call it.</summary>
    /// <param name="builder">What this process has read; it is built.</param>
    /// <param name="shape">The shape of every image as the network takes it.</param>
    /// <param name="rowsPerClass">Receives how many usable rows each class has.</param>
    /// <param name="leftOut">Receives what cannot be read, here or elsewhere.</param>
    public LabeledImageSet? Finish(PixelStoreBuilder? builder, ImageShape shape, int[] rowsPerClass, UnusableRows leftOut)
    {
        processes.CheckEqual(
        [
            ("the number of rows", $"{_rows.Count}"),
            ("the shape of images", builder is null ? "not known" : $"{builder.Shape}"),
            ("the hash of labels and weights", Hash()),
        ]);
        var own = new Told(_unreadable.Where(row => IsOwn(row.Index)).ToDictionary(row => row.Index, row => row.Problem),
            [.. builder?.Pictures.SelectMany(size => (int[])[size.Height, size.Width]) ?? []], builder?.Statistics.Sums ?? [],
            builder?.Statistics.Images ?? 0);
        var told = processes.GatherAll(JsonSerializer.SerializeToUtf8Bytes(own, SharedReadingJson.Default.Told))
            .Select(bytes => JsonSerializer.Deserialize(bytes, SharedReadingJson.Default.Told)!).ToArray();
        foreach (var (index, problem) in told.SelectMany(other => other.Unreadable).OrderBy(row => row.Key))
            leftOut.UnreadableImages.Add(index, problem);
        if (builder is null)
            return null; // of no row a shape was found, and so in no process
        var usable = _rows.Where(row => !told[RankOf(row.Index)].Unreadable.ContainsKey(row.Index)).ToList();
        if (usable.Count == 0)
            return null;
        foreach (var row in usable)
            rowsPerClass[row.Class]++;
        foreach (var other in told.Where((_, rank) => rank != processes.Rank))
            builder.Statistics.Add(other.Sums, other.Images);
        int[] ranks = [.. usable.Select(row => RankOf(row.Index))];
        var (target, stored, statistics) = (builder.Target, builder.Shape, builder.Measure());
        var kept = processes.Agree(builder.Build); // which may write the last images to a file
        using var scope = NewDisposeScope();
        List<float> weights = [.. usable.Select(row => row.Weight).OfType<float>()];
        var store = new DistributedPixelStore(kept, new RowOwners(ranks), StoredRow.Of(stored), processes,
            tensor(usable.Select(row => (long)row.Class).ToArray()),
            weights.Count == 0 ? null : tensor(PixelStoreBuilder.Relative(weights)),
            target is null ? null : new WholePictures(Sizes(ranks, told), target.Value));
        return new LabeledImageSet(store, shape, statistics, rowsPerClass) { KeptShape = stored == shape ? null : stored };
    }

    private int RankOf(long index) => (int)(index % processes.Size);

    private string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (index, ofClass, weight) in _rows)
            hash.AppendData(MemoryMarshal.AsBytes<double>([index, ofClass, weight ?? 0]));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static PictureSize[] Sizes(int[] ranks, Told[] told)
    {
        var next = new int[told.Length];
        return [.. ranks.Select(rank => new PictureSize(told[rank].Sizes[next[rank]++], told[rank].Sizes[next[rank]++]))];
    }
}

/// <summary>How processes write down what they tell one another; generated, so that nothing is looked up by reflection.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(SharedReading.Told))]
internal sealed partial class SharedReadingJson : JsonSerializerContext;
