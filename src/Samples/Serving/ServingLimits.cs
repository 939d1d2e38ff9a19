namespace Samples.Serving;

/// <summary>What the service refuses, so that no request can take more than its share.</summary>
internal sealed record ServingLimits
{
    /// <summary>A million pixels.</summary>
    public const long Megapixel = 1_000_000;

    /// <summary>Bytes in a MiB.</summary>
    public const int Mebibyte = 1 << 20;

    /// <summary>The options that set <see cref="PicturePixels"/> and <see cref="PictureBytes"/>.</summary>
    public const string PixelsOption = "--max-megapixels", BytesOption = "--max-mib";

    /// <summary>The most that they may be set to: what the decoder takes, and what finds its place in <see cref="UploadBytes"/>.</summary>
    public const int MostMegapixels = 100, MostMebibytes = 64;

    /// <summary>Bytes of a picture. A request may have some more, for what multipart puts around it.</summary>
    public int PictureBytes { get; init; } = 16 * Mebibyte;

    /// <summary>Pixels of a picture, checked before it is decoded; four bytes each while it is.</summary>
    public long PicturePixels { get; init; } = 25 * Megapixel;

    /// <summary>Bytes of memory for the pictures of all requests together; those that want more are told to come back.</summary>
    public long UploadBytes { get; init; } = 256 * Mebibyte;

    /// <summary>Requests for predictions at a time, those that are still being sent included; more are told to come back.</summary>
    public int Requests { get; init; } = 64;

    /// <summary>Pictures that are computed at a time; the others of <see cref="Requests"/> wait in line.</summary>
    public int Computations { get; init; } = Environment.ProcessorCount;

    /// <summary>Connections at a time.</summary>
    public int Connections { get; init; } = 256;

    /// <summary>From the first byte of a request to its answer.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes of a request.</summary>
    public long RequestBytes => PictureBytes + (64L << 10);

    /// <summary>Where the limit of pixels comes from, for whoever is refused.</summary>
    public string OfPixels => Origin(PixelsOption, (double)PicturePixels / Megapixel, MostMegapixels);

    /// <summary>Where the limit of bytes comes from, for whoever is refused.</summary>
    public string OfBytes => Origin(BytesOption, (double)PictureBytes / Mebibyte, MostMebibytes);

    private static string Origin(string option, double value, int most)
        => FormattableString.Invariant($"This service takes pictures by {option} {value:0.###}, which may be {most} at most.");
}
