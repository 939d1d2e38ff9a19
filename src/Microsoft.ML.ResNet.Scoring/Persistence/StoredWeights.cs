using System.IO.Compression;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>
/// Saves a model's zip with its weights stored instead of deflated: trained weights hardly shrink, and inflating them takes several times
/// as long as reading them. ML.NET deflates whatever a model writes. So while this is at work on a thread, networks write a short mark in
/// the place of their weights, and the zip is copied, with the weights instead of the marks.
/// </summary>
internal sealed class StoredWeights
{
    [ThreadStatic]
    private static StoredWeights? _current;

    private readonly byte[] _mark = Guid.NewGuid().ToByteArray();
    private readonly List<(TrainedResNet Network, string Hash)> _networks = [];

    private StoredWeights()
    {
    }

    private int MarkLength => _mark.Length + sizeof(int);

    /// <summary>Saves a model.</summary>
    /// <param name="target">Receives the zip; can seek; stays open.</param>
    /// <param name="temporaryFolder">For all but the weights, for the time being.</param>
    /// <param name="save">Saves the model as ML.NET does, on the thread that it is called on.</param>
    /// <exception cref="InvalidOperationException">
    /// Another model was saved meanwhile on that thread, and its file lacks the weights.
    /// </exception>
    public static void Save(Stream target, string temporaryFolder, Action<Stream> save)
    {
        Directory.CreateDirectory(temporaryFolder); // as ML.NET does
        using var zip = new FileStream(Path.Combine(temporaryFolder, $"resnet-{Guid.NewGuid():n}.zip"), new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            Options = FileOptions.DeleteOnClose,
        });
        var marks = new StoredWeights();
        var outer = _current;
        _current = marks;
        try
        {
            save(zip);
        }
        finally
        {
            _current = outer;
        }
        zip.Position = 0;
        marks.Copy(zip, target);
    }

    /// <summary>Writes a network's weights, or what will be replaced by them.</summary>
    /// <param name="entry">The entry of the weights.</param>
    /// <param name="network">The network.</param>
    /// <returns>The SHA-256 of the weights, as 64 hexadecimal digits.</returns>
    public static string Write(Stream entry, TrainedResNet network)
    {
        if (_current is not { } marks)
            return ModelArchive.WriteWeights(entry, network);
        entry.Write(marks._mark);
        entry.Write(BitConverter.GetBytes(marks._networks.Count));
        var hash = ModelArchive.WriteWeights(Stream.Null, network);
        marks._networks.Add((network, hash));
        return hash;
    }

    private void Copy(Stream zip, Stream target)
    {
        using var from = new ZipArchive(zip, ZipArchiveMode.Read, leaveOpen: true);
        using var to = new ZipArchive(target, ZipArchiveMode.Create, leaveOpen: true);
        var found = 0;
        foreach (var entry in from.Entries)
        {
            var marked = NetworkAt(entry);
            var copy = to.CreateEntry(entry.FullName, marked is null ? CompressionLevel.Optimal : CompressionLevel.NoCompression);
            copy.LastWriteTime = entry.LastWriteTime;
            using var content = copy.Open();
            if (marked is var (network, hash))
            {
                if (ModelArchive.WriteWeights(content, network) != hash)
                    throw new InvalidOperationException("The model was not saved: its weights changed meanwhile.");
                found++;
                continue;
            }
            using var old = entry.Open();
            old.CopyTo(content);
        }
        if (found != _networks.Count)
            throw new InvalidOperationException(
                "The model was not saved: another was saved on the same thread meanwhile, and its file lacks the weights. "
                    + "Save one model after the other.");
    }

    private (TrainedResNet Network, string Hash)? NetworkAt(ZipArchiveEntry entry)
    {
        if (entry.Name != ModelArchive.WeightsEntry || entry.Length != MarkLength)
            return null;
        using var content = entry.Open();
        var found = new byte[MarkLength];
        content.ReadExactly(found);
        return found.AsSpan().StartsWith(_mark) ? _networks[BitConverter.ToInt32(found, _mark.Length)] : null;
    }
}
