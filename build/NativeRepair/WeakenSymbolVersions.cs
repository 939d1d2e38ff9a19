using System;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace Microsoft.ML.ResNet.Build;

/// <summary>
/// Copies a 64-bit little-endian ELF library and, in the copy, marks one required symbol version as weak, so that the dynamic
/// loader accepts a system library that lacks it. Safe only where no relocation uses a symbol of that version, which is so for
/// <c>GLIBCXX_3.4.32</c> in TorchSharp 0.107.0 (docs/adr/0002). A library without that version is copied as it is.
/// </summary>
public sealed class WeakenSymbolVersions : Task
{
    private const uint SectionTypeVersionNeeds = 0x6ffffffe; // SHT_GNU_verneed
    private const ushort WeakFlag = 2; // VER_FLG_WEAK

    /// <summary>The libraries to read.</summary>
    [Required]
    public ITaskItem[] Sources { get; set; } = [];

    /// <summary>The copies to write, one for each of <see cref="Sources"/>.</summary>
    [Required]
    public ITaskItem[] Copies { get; set; } = [];

    /// <summary>The symbol version to weaken, such as <c>GLIBCXX_3.4.32</c>.</summary>
    [Required]
    public string SymbolVersion { get; set; } = "";

    /// <inheritdoc/>
    public override bool Execute()
    {
        foreach (var (source, copy) in Sources.Zip(Copies, (source, copy) => (source.ItemSpec, copy.ItemSpec)))
        {
            var library = File.ReadAllBytes(source);
            var found = Weaken(library, SymbolVersion);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.WriteAllBytes(copy, library);
            Log.LogMessage(MessageImportance.Low, "{0}: {1} {2}", copy, SymbolVersion, found ? "marked weak" : "not required");
        }
        return !Log.HasLoggedErrors;
    }

    /// <summary>Marks <paramref name="version"/> weak in place; false when the library does not require it.</summary>
    private static bool Weaken(byte[] elf, string version)
    {
        var isElf64LittleEndian = elf.Length > 64 && elf[0] == 0x7f && elf[1] == 'E' && elf[2] == 'L' && elf[3] == 'F' && elf[4] == 2
            && elf[5] == 1;
        if (!isElf64LittleEndian)
            return false;

        // Elf64_Ehdr: e_shoff at 40, e_shentsize at 58, e_shnum at 60. Elf64_Shdr: sh_type 4, sh_offset 24, sh_link 40, sh_info 44.
        var sections = (int)BitConverter.ToInt64(elf, 40);
        int sectionSize = BitConverter.ToUInt16(elf, 58), sectionCount = BitConverter.ToUInt16(elf, 60);
        for (var i = 0; i < sectionCount; i++)
        {
            var section = sections + i * sectionSize;
            if (BitConverter.ToUInt32(elf, section + 4) != SectionTypeVersionNeeds)
                continue;
            var strings = (int)BitConverter.ToInt64(elf, sections + BitConverter.ToInt32(elf, section + 40) * sectionSize + 24);
            var need = (int)BitConverter.ToInt64(elf, section + 24);
            return WeakenInNeeds(elf, need, BitConverter.ToInt32(elf, section + 44), strings, version);
        }
        return false;
    }

    /// <summary>Walks the chain of needed files (Elf64_Verneed) and, in each, the chain of needed versions (Elf64_Vernaux).</summary>
    private static bool WeakenInNeeds(byte[] elf, int need, int needCount, int strings, string version)
    {
        for (var n = 0; n < needCount; n++)
        {
            // Elf64_Verneed: vn_cnt at 2, vn_aux at 8, vn_next at 12. Elf64_Vernaux: vna_flags at 4, vna_name at 8, vna_next at 12.
            var aux = need + BitConverter.ToInt32(elf, need + 8);
            for (var a = 0; a < BitConverter.ToUInt16(elf, need + 2); a++)
            {
                if (ReadString(elf, strings + BitConverter.ToInt32(elf, aux + 8)) == version)
                {
                    elf[aux + 4] |= (byte)WeakFlag;
                    return true;
                }
                aux += BitConverter.ToInt32(elf, aux + 12);
            }
            need += BitConverter.ToInt32(elf, need + 12);
        }
        return false;
    }

    private static string ReadString(byte[] bytes, int start)
        => Encoding.ASCII.GetString(bytes, start, Array.IndexOf(bytes, (byte)0, start) - start);
}
