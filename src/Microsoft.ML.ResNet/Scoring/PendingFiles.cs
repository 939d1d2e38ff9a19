using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Images.Columns;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>Encoded files that wait until there are enough of them to be decoded by several threads at once.</summary>
/// <param name="target">What each becomes.</param>
internal sealed class PendingFiles(ImageTarget target)
{
    private const int Most = 32;
    private const long MostBytes = 32L << 20;

    private readonly List<(int Row, FileCopy File)> _files = [];
    private long _bytes;

    /// <summary>Whether they should be decoded before there are more.</summary>
    public bool AreEnough => _files.Count >= Most || _bytes >= MostBytes;

    /// <summary>Adds one.</summary>
    /// <param name="row">Its row in the batch.</param>
    /// <param name="file">Its bytes, which are given back once they are decoded.</param>
    public void Add(int row, FileCopy file)
    {
        _files.Add((row, file));
        _bytes += file.Length;
    }

    /// <summary>Decodes them, each to its place, and forgets them.</summary>
    /// <param name="pixels">Receives as many images.</param>
    /// <returns>In their order, the row of each, and why it could not be read, or <see langword="null"/>.</returns>
    public IReadOnlyList<(int Row, string? Problem)> Decode(Memory<byte> pixels)
    {
        var results = new (int Row, string? Problem)[_files.Count];
        var size = target.Shape.Size;
        WorkerTeam.Scoring.Run([_files.Count], ScoringThreads.Count, (_, index, _) =>
        {
            ImageDecoder.TryDecode(_files[index].File.Content, target, pixels.Span.Slice(index * size, size), out var _, out var problem);
            results[index] = (_files[index].Row, problem);
        });
        _files.ForEach(file => file.File.Dispose());
        _files.Clear();
        _bytes = 0;
        return results;
    }
}
