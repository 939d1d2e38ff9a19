namespace Microsoft.ML.ResNet.Images.Cifar;

/// <summary>Reads the records of one file, checking each.</summary>
/// <remarks>
/// A record is: labels (CIFAR-10: one byte; CIFAR-100: coarse, then fine), then 1,024 red, 1,024 green and 1,024 blue bytes, each plane 32
/// rows of 32 pixels. A file is nothing but records, so its length is the only other thing that can be checked.
/// </remarks>
internal static class CifarRecords
{
    /// <summary>The images of a file, one at a time in one reused buffer.</summary>
    /// <exception cref="InvalidDataException">
    /// While enumerating: the file is empty, ends inside a record, or holds a label out of range.
    /// </exception>
    public static IEnumerable<LabeledImage> Read(CifarFile file, CifarPlan plan)
    {
        var length = plan.Layout.RecordLength;
        if (file.Length == 0)
            throw EmptyFile(file);
        if (file.Length % length != 0)
            throw EndsInside(file, plan.Layout, file.Length / length, file.Length % length);

        using var content = file.Open();
        var record = new byte[length];
        for (var index = 0L; index < file.Length / length; index++)
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
