using Microsoft.ML.ResNet.Foundation;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>
/// The library's operations on files, of which one fails, or all from one on, until this is disposed. A write that fails has written half
/// of its bytes, as on a full disk; a read gives few bytes at a time, so that there are many.
/// </summary>
internal sealed class FailingFileOperations : FileOperations, IDisposable
{
    private const int MostRead = 16_384;

    private readonly FileOperations _before = Current;
    private readonly int _at;
    private readonly bool _forGood;

    /// <param name="at">The number of the operation that fails, the first being 1; 0 for none.</param>
    /// <param name="forGood">Whether all later ones fail too.</param>
    public FailingFileOperations(int at, bool forGood = false)
    {
        (_at, _forGood) = (at, forGood);
        Current = this;
    }

    /// <summary>What was done so far, by name.</summary>
    public List<string> Done { get; } = [];

    /// <summary>The name of the first operation that failed; <see langword="null"/> if none did.</summary>
    public string? Failed { get; private set; }

    public override Stream OpenRead(string path)
    {
        Next("open");
        return new FailingStream(this, base.OpenRead(path));
    }

    public override Stream Create(string path, UnixFileMode? mode)
    {
        Next("create");
        return new FailingStream(this, base.Create(path, mode));
    }

    public override void FlushToDisk(Stream file)
    {
        Next("sync");
        ((FailingStream)file).Inner.Flush(); // to the system: waiting for a real disk, hundreds of times, would show nothing more
    }

    public override void Rename(string path, string newPath)
    {
        Next("rename");
        base.Rename(path, newPath);
    }

    public override void Delete(string path)
    {
        Next("delete");
        base.Delete(path);
    }

    public override void CreateFolder(string path)
    {
        Next("make folder");
        base.CreateFolder(path);
    }

    public override IReadOnlyList<string> List(string folder)
    {
        Next("list");
        return base.List(folder);
    }

    public void Dispose() => Current = _before;

    private void Next(string operation, Action? half = null)
    {
        Done.Add(operation);
        if (_at == 0 || Done.Count < _at || (Done.Count > _at && !_forGood))
            return;
        Failed ??= operation;
        half?.Invoke();
        const int noSpace = 28; // ENOSPC, which .NET keeps as the HResult
        throw new IOException($"No space left on device : '{operation}'", noSpace);
    }

    private sealed class FailingStream(FailingFileOperations files, Stream inner) : Stream
    {
        public Stream Inner => inner;

        public override bool CanRead => inner.CanRead;

        public override bool CanSeek => inner.CanSeek;

        public override bool CanWrite => inner.CanWrite;

        public override long Length => inner.Length;

        public override long Position
        {
            get => inner.Position;
            set => inner.Position = value;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            files.Next("read");
            return inner.Read(buffer[..Math.Min(buffer.Length, MostRead)]);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            var bytes = buffer.ToArray();
            files.Next("write", () => inner.Write(bytes, 0, bytes.Length / 2));
            inner.Write(bytes);
        }

        public override void Flush() => inner.Flush();

        public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

        public override void SetLength(long value) => inner.SetLength(value);

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
