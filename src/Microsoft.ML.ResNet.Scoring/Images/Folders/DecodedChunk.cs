namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>
/// A few consecutive images that one thread reads and decodes: the unit of parallel work. Its memory is used again for later images.
/// </summary>
/// <param name="target">The shape of every image, and how pictures become that.</param>
/// <param name="capacity">The most images it can hold.</param>
internal sealed class DecodedChunk(ImageTarget target, int capacity)
{
    // Long enough that handing a chunk to a thread costs little beside decoding it, small enough to stay in a core's cache.
    private const int TargetLength = 1 << 18;
    private const int MaxCapacity = 64;
    private const long LengthAhead = 1 << 24; // of all threads, unless that is too little for two chunks each

    private readonly int _size = target.Shape.Size;
    private readonly byte[] _pixels = GC.AllocateUninitializedArray<byte>(target.Shape.Size * capacity);
    private readonly string?[] _problems = new string?[capacity];
    private readonly bool[] _isThere = new bool[capacity];
    private readonly ImageBytes _encoded = new();

    /// <summary>The index of the first image among all files.</summary>
    public int First { get; private set; }

    /// <summary>How many images it holds.</summary>
    public int Count { get; private set; }

    /// <summary>How many images of a shape go into one chunk.</summary>
    public static int CapacityFor(ImageShape shape) => Math.Clamp(TargetLength / shape.Size, 1, MaxCapacity);

    /// <summary>
    /// How many chunks of a shape each of so many threads may be ahead: the cursor's thread gets its turn late when all cores decode.
    /// </summary>
    public static int AheadFor(ImageShape shape, int threads)
        => (int)Math.Clamp(LengthAhead / ((long)shape.Size * CapacityFor(shape) * threads), 2, 8);

    /// <summary>Says which images to hold; <see cref="Fill"/> gets them.</summary>
    public DecodedChunk Assign(int first, int count)
    {
        (First, Count) = (first, count);
        return this;
    }

    /// <summary>Reads and decodes the images.</summary>
    /// <param name="files">All files.</param>
    /// <param name="read">Reads one of them: <see cref="IImageFileReader.Read"/> or <see cref="IImageFileReader.TryRead"/>.</param>
    /// <param name="wanted">Which of them; <see langword="null"/> for all.</param>
    public DecodedChunk Fill(IReadOnlyList<ImageFile> files, Func<string, ImageBytes, string?> read, RowsWanted? wanted)
    {
        for (var i = 0; i < Count; i++)
        {
            _problems[i] = null;
            _isThere[i] = wanted?.Contains(First + i) ?? true;
            if (!_isThere[i])
                continue;
            _problems[i] = read(files[First + i].Name, _encoded);
            if (_problems[i] is null)
                ImageDecoder.TryDecode(_encoded.Content, target, _pixels.AsSpan(i * _size, _size), out _, out _problems[i]);
        }
        return this;
    }

    /// <summary>Whether the i-th image of this chunk was wanted.</summary>
    public bool Holds(int i) => _isThere[i];

    /// <summary>The pixels of the i-th image of this chunk; undefined when it has a problem, or was not wanted.</summary>
    public ReadOnlyMemory<byte> Pixels(int i) => _pixels.AsMemory(i * _size, _size);

    /// <summary>Why the i-th image of this chunk could not be read, or null when it could.</summary>
    public string? Problem(int i) => _problems[i];
}
