using Microsoft.Win32.SafeHandles;

namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>Reads parts of a file at a place, so that threads can share its handle.</summary>
internal static class FileBytes
{
    /// <summary>Reads until the room is full or the file ends.</summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">Where to begin, in bytes.</param>
    /// <param name="room">Receives the bytes.</param>
    /// <returns>How many bytes there were.</returns>
    public static int Read(SafeFileHandle file, long offset, Span<byte> room)
    {
        var read = 0;
        while (read < room.Length)
        {
            var more = RandomAccess.Read(file, room[read..], offset + read);
            if (more == 0)
                break;
            read += more;
        }
        return read;
    }
}
