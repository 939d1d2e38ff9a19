namespace Samples.Serving;

/// <summary>What the service refuses, so that no request can take more than its share.</summary>
internal sealed record ServingLimits
{
    /// <summary>Bytes of a picture. A request may have some more, for what multipart puts around it.</summary>
    public int PictureBytes { get; init; } = 16 << 20;

    /// <summary>Pixels of a picture, checked before it is decoded; four bytes each while it is.</summary>
    public long PicturePixels { get; init; } = 25_000_000;

    /// <summary>Bytes of memory for the pictures of all requests together; those that want more are told to come back.</summary>
    public long UploadBytes { get; init; } = 256 << 20;

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
}
