namespace Samples.Synthetic;

/// <summary>Writes a set of drawn figures in the binary format of CIFAR-10: records of one label byte and one image.</summary>
internal static class FigureSet
{
    /// <summary>Writes <c>data_batch_1.bin</c>, <c>test_batch.bin</c> and <c>batches.meta.txt</c>.</summary>
    /// <param name="folder">Where to; it is created.</param>
    /// <param name="trainImages">Training images; classes take turns.</param>
    /// <param name="testImages">Test images; classes take turns.</param>
    /// <param name="seed">Decides every image; the same seed writes the same bytes.</param>
    public static void Write(string folder, int trainImages, int testImages, int seed)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllLines(Path.Combine(folder, "batches.meta.txt"), Figures.All.Select(figure => figure.Name));
        var painter = new FigurePainter(new Random(seed));
        WriteImages(Path.Combine(folder, "data_batch_1.bin"), painter, trainImages);
        WriteImages(Path.Combine(folder, "test_batch.bin"), painter, testImages);
    }

    private static void WriteImages(string path, FigurePainter painter, int count)
    {
        using var file = File.Create(path);
        var record = new byte[1 + FigurePainter.Length];
        for (var i = 0; i < count; i++)
        {
            var label = i % Figures.All.Count;
            record[0] = (byte)label;
            painter.Paint(Figures.All[label], record.AsSpan(1));
            file.Write(record);
        }
    }
}
