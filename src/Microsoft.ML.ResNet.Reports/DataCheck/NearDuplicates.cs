namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>
/// Pairs of images of the same shot. Candidates are the nearest few of each image by its colours at 8 x 8 pixels, as it is and mirrored, by
/// its perceptual hash, and by its features where there are any; those that agree after an <see cref="Alignment"/> are duplicates. Every
/// image has a few candidates, whatever there are of images.
/// </summary>
internal sealed class NearDuplicates
{
    private const int Candidates = 10; // of the pairs in ciFAIR's list, 94 of 100 are among the nearest ten at 8 x 8 pixels
    private const float LeastLikeness = 0.8f; // and of those, 98 of 100 are that near
    private const float LeastFeatureLikeness = 0.9f;
    private const int MostHashBits = 8;
    private const int Cells = 8; // a side

    private readonly ImageLook[] _looks;
    private readonly bool[] _isComparable;
    private readonly HashSet<(int Image, bool IsMirrored)>[] _candidates;

    private NearDuplicates(ImageLook[] looks, bool[] isComparable)
    {
        (_looks, _isComparable) = (looks, isComparable);
        _candidates = [.. looks.Select(_ => new HashSet<(int Image, bool IsMirrored)>())];
    }

    /// <summary>Finds them.</summary>
    /// <param name="looks">The images.</param>
    /// <param name="isComparable">Which of them show anything.</param>
    /// <param name="features">The nearest of each by features, if there are any.</param>
    /// <param name="options">The threshold.</param>
    /// <param name="cancellation">Stops before the next block.</param>
    /// <returns>Pairs, each once, with their agreement; not those of the same file.</returns>
    public static IReadOnlyList<(int First, int Second, float Agreement)> Find(ImageLook[] looks, bool[] isComparable, Neighbours? features,
        DataCheckOptions options, CancellationToken cancellation)
    {
        var duplicates = new NearDuplicates(looks, isComparable);
        var colours = Neighbours.Unit([.. looks.SelectMany(look => Colours(look, isMirrored: false))], 3 * Cells * Cells);
        var mirrored = Neighbours.Unit([.. looks.SelectMany(look => Colours(look, isMirrored: true))], 3 * Cells * Cells);
        foreach (var (queries, isMirrored) in new[] { (colours, false), (mirrored, true) })
            duplicates.Add(Neighbours.Find(queries, colours, 3 * Cells * Cells, Candidates,
                done => options.Progress?.Invoke(isMirrored ? "comparing mirrored" : "comparing", done, looks.Length), cancellation),
                LeastLikeness, isMirrored);
        if (features is not null)
            duplicates.Add(features, LeastFeatureLikeness, isMirrored: false);
        duplicates.AddByHash(cancellation);
        return duplicates.Confirm(options, cancellation);
    }

    /// <summary>The image at 8 x 8 pixels, without its mean.</summary>
    private static float[] Colours(ImageLook look, bool isMirrored)
    {
        const int Cell = ImageLook.Side / Cells;
        var colours = new float[3 * Cells * Cells];
        for (var i = 0; i < look.Pixels.Length; i++)
        {
            var (line, x) = Math.DivRem(i, ImageLook.Side);
            colours[line / Cell * Cells + (isMirrored ? ImageLook.Side - 1 - x : x) / Cell] += look.Pixels[i];
        }
        var mean = colours.Average();
        return [.. colours.Select(colour => colour - mean)];
    }

    private void Add(Neighbours neighbours, float least, bool isMirrored)
    {
        for (var image = 0; image < _looks.Length; image++)
            for (var place = 0; place < neighbours.Count; place++)
                if (neighbours.CosinesOf(image)[place] >= least)
                    Add(image, neighbours.Of(image)[place], isMirrored);
    }

    private void Add(int image, int other, bool isMirrored)
    {
        if (_isComparable[image] && _isComparable[other] && _looks[image].FileHash != _looks[other].FileHash)
            _candidates[Math.Min(image, other)].Add((Math.Max(image, other), isMirrored));
    }

    // Every pair is looked at, at some billion in a second; only the nearest few of an image are kept.
    private void AddByHash(CancellationToken cancellation)
    {
        var hashes = _looks.Select(look => look.Hash).ToArray();
        var nearest = new (int Distance, int Image)[hashes.Length][];
        Parallel.For(0, hashes.Length, new ParallelOptions { CancellationToken = cancellation }, image =>
        {
            var found = new List<(int Distance, int Image)>();
            for (var other = image + 1; other < hashes.Length; other++)
                if (PerceptualHash.Distance(hashes[image], hashes[other]) is var distance and <= MostHashBits
                    && (found.Count < Candidates || distance < found[^1].Distance))
                {
                    found.Add((distance, other));
                    found.Sort();
                    if (found.Count > Candidates)
                        found.RemoveAt(Candidates);
                }
            nearest[image] = [.. found];
        });
        foreach (var (image, found) in nearest.Index())
            foreach (var (_, other) in found)
                Add(image, other, isMirrored: false);
    }

    private IReadOnlyList<(int First, int Second, float Agreement)> Confirm(DataCheckOptions options, CancellationToken cancellation)
    {
        var confirmed = new (int First, int Second, float Agreement)[_looks.Length][];
        var done = 0;
        Parallel.For(0, _looks.Length, new ParallelOptions
        {
            CancellationToken = cancellation,
            MaxDegreeOfParallelism = Environment.ProcessorCount,
        }, image =>
        {
            confirmed[image] = _candidates[image].Count == 0 ? [] : [.. Confirm(image, options.NearDuplicateAgreement)];
            options.Progress?.Invoke("aligning", Interlocked.Increment(ref done), _looks.Length);
        });
        return [.. confirmed.SelectMany(pairs => pairs)];
    }

    private IEnumerable<(int First, int Second, float Agreement)> Confirm(int image, double least)
    {
        var alignment = new Alignment(_looks[image].Pixels);
        return from candidate in _candidates[image]
               group candidate by candidate.Image into pair
               orderby pair.Key
               let agreement = pair.Max(way => alignment.Agreement(way.IsMirrored ? Mirror(_looks[way.Image].Pixels)
                   : _looks[way.Image].Pixels))
               where agreement >= least
               select (image, pair.Key, agreement);
    }

    private static byte[] Mirror(byte[] pixels)
    {
        byte[] mirrored = [.. pixels];
        for (var line = 0; line < mirrored.Length; line += ImageLook.Side)
            Array.Reverse(mirrored, line, ImageLook.Side);
        return mirrored;
    }
}
