using System.Formats.Tar;
using System.Text;
using Microsoft.ML.ResNet.Images.Cifar;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>The reader of tar archives, against .NET's writer.</summary>
[TestClass]
public sealed class TarFilesTests
{
    [TestMethod]
    [DataRow(TarEntryFormat.V7)]
    [DataRow(TarEntryFormat.Ustar)]
    [DataRow(TarEntryFormat.Gnu)]
    [DataRow(TarEntryFormat.Pax)]
    public void Every_format_gives_names_and_contents(TarEntryFormat format)
    {
        (string Name, byte[] Content)[] files = [("set/a.bin", Noise(511)), ("set/b.bin", Noise(512)), ("set/c.bin", Noise(5000)),
            ("d", [])];
        var read = Read(Tar(format, [.. files.Select(file => Entry(format, file.Name, file.Content))]));

        Assert.HasCount(files.Length, read);
        foreach (var (expected, found) in files.Zip(read))
        {
            Assert.AreEqual(expected.Name, found.Name);
            CollectionAssert.AreEqual(expected.Content, found.Content);
        }
    }

    [TestMethod]
    [DataRow(TarEntryFormat.Ustar, 120)]
    [DataRow(TarEntryFormat.Gnu, 1000)]
    [DataRow(TarEntryFormat.Pax, 1000)]
    public void Long_names_are_whole(TarEntryFormat format, int length)
    {
        var name = new string('f', length - 20) + "/" + new string('n', 19);
        Assert.AreEqual(name, Read(Tar(format, Entry(format, name, Noise(3)), Entry(format, "x", [])))[0].Name);
    }

    [TestMethod]
    public void Names_beyond_ASCII_are_UTF_8()
        => Assert.AreEqual("größe/猫", Read(Tar(TarEntryFormat.Pax, Entry(TarEntryFormat.Pax, "größe/猫", [1])))[0].Name);

    [TestMethod]
    public void Folders_and_links_are_no_regular_files()
    {
        var link = new UstarTarEntry(TarEntryType.SymbolicLink, "link") { LinkName = "a" };
        var read = Read(Tar(TarEntryFormat.Ustar, new UstarTarEntry(TarEntryType.Directory, "folder/"), link,
            Entry(TarEntryFormat.Ustar, "a", [7])));

        CollectionAssert.AreEqual(new[] { "folder/ False", "link False", "a True" },
            read.ConvertAll(file => $"{file.Name} {file.IsRegular}"));
    }

    [TestMethod]
    public void Content_that_nobody_reads_is_passed_over()
    {
        var files = new TarFiles(new MemoryStream(Tar(TarEntryFormat.Ustar, Entry(TarEntryFormat.Ustar, "a", Noise(5000)),
            Entry(TarEntryFormat.Ustar, "b", [1, 2]))));

        Assert.AreEqual("a", files.Next()!.Name);
        Assert.AreEqual(10, files.Content.ReadAtLeast(new byte[10], 10));
        Assert.AreEqual(("b", true, 2L), files.Next() is { } file ? (file.Name, file.IsRegular, file.Length) : default);
        Assert.IsNull(files.Next());
    }

    [TestMethod]
    public void A_size_in_an_extended_header_goes_before_the_headers_own()
    {
        var entry = Tar(TarEntryFormat.Ustar, Entry(TarEntryFormat.Ustar, "a", [1, 2, 3]));
        Assert.AreEqual(2, Read([.. Extension("9 size=2\n"), .. entry])[0].Length);
        Assert.ThrowsExactly<InvalidDataException>(() => Read([.. Extension("10 size=-2\n"), .. entry]));
        Assert.ThrowsExactly<InvalidDataException>(() => Read([.. Extension("27 size=9223372036854775807\n"), .. entry]));
        Assert.ThrowsExactly<InvalidDataException>(() => Read([.. Extension("9 path=longer than it says\n"), .. entry]));
        foreach (var line in new[] { "0 path=a\n", "1 path=a\n", "2 path=a\n", "path=a\n", "-9 path=a\n" })
            Assert.ThrowsExactly<InvalidDataException>(() => Read([.. Extension(line), .. entry]), line);
    }

    [TestMethod]
    public void Sizes_in_bytes_are_read_as_in_digits()
    {
        var tar = Tar(TarEntryFormat.Gnu, Entry(TarEntryFormat.Gnu, "a", [1, 2, 3]));
        Assert.AreEqual(3, Read(With(tar, 124, [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]))[0].Length);
        foreach (var wrong in (byte[][])[[0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3], [0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3],
            [0x80, 0, 0, 0, 0xFF, 0, 0, 0, 0, 0, 0, 3], [.. "00000000008\0"u8]])
            Assert.ThrowsExactly<InvalidDataException>(() => Read(With(tar, 124, wrong)));
    }

    [TestMethod]
    public void A_header_with_another_checksum_is_refused()
    {
        var tar = Tar(TarEntryFormat.Ustar, Entry(TarEntryFormat.Ustar, "a", [1]));
        tar[0] = (byte)'b';
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Read(tar)).Message, "checksum");
    }

    [TestMethod]
    public void An_archive_that_ends_in_a_header_or_a_file_is_refused()
    {
        var tar = Tar(TarEntryFormat.Ustar, Entry(TarEntryFormat.Ustar, "a", Noise(1000)));
        Assert.ThrowsExactly<InvalidDataException>(() => Read(tar[..300]));
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Read(Extension("10 path=ab\n")[..514])).Message,
            "inside an extended header");
        Assert.ThrowsExactly<InvalidDataException>(() => new TarFiles(new MemoryStream(tar[..700])) is var files
            && files.Next() == files.Next());
        Assert.HasCount(1, Read(tar[..1536]), "the end marker is the caller's to ask for");
    }

    private static List<(string Name, bool IsRegular, long Length, byte[] Content)> Read(byte[] tar)
    {
        var (files, all) = (new TarFiles(new MemoryStream(tar)), new List<(string, bool, long, byte[])>());
        while (files.Next() is { } file)
        {
            using var content = new MemoryStream();
            files.Content.CopyTo(content);
            all.Add((file.Name, file.IsRegular, file.Length, content.ToArray()));
        }
        return all;
    }

    private static byte[] Tar(TarEntryFormat format, params TarEntry[] entries)
    {
        using var stream = new MemoryStream();
        using (var writer = new TarWriter(stream, format, leaveOpen: true))
            foreach (var entry in entries)
                writer.WriteEntry(entry);
        return stream.ToArray();
    }

    private static TarEntry Entry(TarEntryFormat format, string name, byte[] content)
    {
        TarEntry entry = format switch
        {
            TarEntryFormat.V7 => new V7TarEntry(TarEntryType.V7RegularFile, name),
            TarEntryFormat.Ustar => new UstarTarEntry(TarEntryType.RegularFile, name),
            TarEntryFormat.Gnu => new GnuTarEntry(TarEntryType.RegularFile, name),
            _ => new PaxTarEntry(TarEntryType.RegularFile, name),
        };
        entry.DataStream = new MemoryStream(content);
        return entry;
    }

    /// <summary>A pax header before a file.</summary>
    private static byte[] Extension(string attributes)
    {
        var file = Tar(TarEntryFormat.Ustar, Entry(TarEntryFormat.Ustar, "x", Encoding.UTF8.GetBytes(attributes)))[..1024];
        return With(file, 156, "x"u8);
    }

    /// <summary>A field of the first header in other bytes, and the checksum that belongs to them.</summary>
    private static byte[] With(byte[] tar, int at, ReadOnlySpan<byte> field)
    {
        var changed = (byte[])tar.Clone();
        field.CopyTo(changed.AsSpan(at));
        "        "u8.CopyTo(changed.AsSpan(148));
        Encoding.ASCII.GetBytes(Convert.ToString(changed.Take(512).Sum(value => value), 8).PadLeft(6, '0') + "\0 ", changed.AsSpan(148));
        return changed;
    }

    private static byte[] Noise(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }
}
