namespace Microsoft.ML.ResNet.Images.Cifar;

/// <summary>Reads the records of one file, checking each.</summary>
/// <remarks>
/// A record is: labels (CIFAR-10: one byte; CIFAR-100: coarse, then fine), then 1,024 red, 1,024 green and 1,024 blue bytes, each plane 32
/// rows of 32 pixels. A file is nothing but records, so its length is the only other thing that can be checked.
/// </remarks>
internal static class CifarRecords
{
    /// <summary>Some images of a file, one at a time in one reused buffer.</summary>
    /// <param name="file">The file.</param>
    /// <param name="plan">What it holds.</param>
    /// <param name="first">The first of them, from 0.</param>
    /// <param name="end">The one behind the last; no more than there are.</param>
    /// <exception cref="InvalidDataException">
    /// While enumerating: the file is empty, ends inside a record, or holds a label out of range.
    /// </exception>
    public static IEnumerable<LabeledImage> Read(CifarFile file, CifarPlan plan, long first, long end)
    {
        var length = plan.Layout.RecordLength;
        if (file.Length == 0 || file.Length % length != 0)
            throw NotWhole(file, plan.Layout);

        using var content = file.Open();
        var record = new byte[length];
        Skip(content, file, first * length);
        for (var index = first; index < end; index++)
        {
            var read = file.Read(content, record);
            if (read < length)
                throw EndsInside(file, plan.Layout, index, read);
            var label = record[plan.LabelOffset];
            if (label >= plan.ClassNames.Length)
                throw LabelOutOfRange(file, plan, index, label);
            yield return new(plan.ClassNames[label].AsMemory(), record.AsMemory(plan.Layout.LabelBytes));
        }
    }

    private static void Skip(Stream content, CifarFile file, long bytes)
    {
        if (content.CanSeek)
        {
            content.Position += bytes;
            return;
        }
        var room = new byte[Math.Min(bytes, 1 << 16)];
        for (var read = -1; bytes > 0 && read != 0; bytes -= read)
            read = file.Read(content, room.AsSpan(0, (int)Math.Min(bytes, room.Length)));
    }

    /// <summary>The exception for a file that is empty or ends inside a record.</summary>
    public static InvalidDataException NotWhole(CifarFile file, CifarLayout layout) => file.Length == 0
        ? EmptyFile(file)
        : EndsInside(file, layout, file.Length / layout.RecordLength, file.Length % layout.RecordLength);

    /// <summary>The exception for a file without a single byte.</summary>
    public static InvalidDataException EmptyFile(CifarFile file) =>
        ImageFileError.Create(file.Location, "at least one CIFAR record", "an empty file");

    private static InvalidDataException EndsInside(CifarFile file, CifarLayout layout, long index, long found) =>
        ImageFileError.Create(
            At(file, layout, index, 0), $"a {layout.Name} record of {layout.RecordLength} bytes", $"the end of the file after {found}",
            $"Either the file is truncated or it is not in {layout.Name}'s binary format; "
                + $"{nameof(CifarBinaryOptions)}.{nameof(CifarBinaryOptions.Format)} says which format to expect.");

    private static InvalidDataException LabelOutOfRange(CifarFile file, CifarPlan plan, long index, byte label) =>
        ImageFileError.Create(
            At(file, plan.Layout, index, plan.LabelOffset),
                $"a label from 0 to {plan.ClassNames.Length - 1} (by {plan.NamesFrom})", $"{label}",
            $"Is it in {plan.Layout.Name}'s binary format? {nameof(CifarBinaryOptions)}.{nameof(CifarBinaryOptions.Format)} says which "
                + "format to expect.");

    private static string At(CifarFile file, CifarLayout layout, long index, int offset) =>
        FormattableString.Invariant($"{file.Location}, record {index} (byte {index * layout.RecordLength + offset})");
}
