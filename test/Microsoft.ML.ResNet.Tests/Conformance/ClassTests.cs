using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>Classes come from the label's key type, not from the rows; too few are an error in ML.NET's words.</summary>
[TestClass]
public class ClassTests
{
    private const string OneClass =
        "Only one class found in the Label column. To build a multiclass classification model, the number of classes needs to be 2 or "
        + "greater";

    [TestMethod]
    public void A_label_of_one_class_is_refused()
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.View(ml, ImageRows.Create(9).Where(row => row.Key == 2)); // MapValueToKey makes keys of count 1
        Assert.AreEqual(OneClass, Assert.ThrowsExactly<InvalidOperationException>(() => ImageRows.Trainer(ml).Fit(data)).Message);
    }

    [TestMethod]
    public void Rows_of_one_class_are_refused_though_the_label_has_more()
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.View(ml, ImageRows.Create(9).Where(row => row.Key == 2), nameof(ImageRow.Key));
        Assert.AreEqual(OneClass, Assert.ThrowsExactly<InvalidOperationException>(() => ImageRows.Trainer(ml).Fit(data)).Message);
    }

    [TestMethod]
    public void A_class_without_rows_is_a_warning_and_keeps_its_score()
    {
        var ml = new MLContext(seed: 1);
        var warnings = new List<string>();
        ml.Log += (_, e) =>
        {
            if (e.Kind == Runtime.ChannelMessageKind.Warning)
                warnings.Add(e.Message);
        };
        var data = ImageRows.View(ml, ImageRows.Create(9).Where(row => row.Key != 1), nameof(ImageRow.Key));

        using var model = ImageRows.Trainer(ml).Fit(data);

        Assert.HasCount(3, Scores.Read(ml, model.Transform(data))[0].Score);
        Assert.IsTrue(warnings.Any(line => line.Contains("1 of 3 classes have no training rows", StringComparison.Ordinal)
            && line.Contains("'1'", StringComparison.Ordinal)), string.Join(" | ", warnings));
    }

    [TestMethod]
    public void No_rows_and_no_usable_rows_are_errors_that_count()
    {
        var ml = new MLContext(seed: 1);
        Expect([], "No valid training instances found. The data has no rows.");
        Expect([new() { Encoded = [1], Key = 1 }, new() { Encoded = [], Key = 2 },
            new() { Encoded = ImageRows.Create(1)[0].Encoded, Key = ImageRow.NoKey }],
            "No valid training instances found. 1 rows have a missing label. 2 rows have an image that is missing or cannot be read "
                + "(row 0: expected an image in a format that Skia decodes (JPEG, PNG, WebP, GIF, BMP, ...), "
                + "found 1 bytes that are none or end too early; row 1: expected an encoded image, found no bytes).");

        void Expect(List<ImageRow> rows, string message)
        {
            var error = Assert.ThrowsExactly<InvalidOperationException>(() => ImageRows.Trainer(ml, nameof(ImageRow.Encoded))
                .Fit(ImageRows.View(ml, rows, nameof(ImageRow.Key))));
            Assert.AreEqual(message, error.Message);
        }
    }

    [TestMethod]
    public void What_no_model_file_could_hold_is_refused_before_training()
    {
        var ml = new MLContext(seed: 1);
        var definition = SchemaDefinition.Create(typeof(ImageRow));
        definition[nameof(ImageRow.Key)].ColumnType = new KeyDataViewType(typeof(uint), 100_001);
        definition[nameof(ImageRow.Planar)].ColumnType = new VectorDataViewType(NumberDataViewType.Byte, 1, 1, 16_385);
        var rows = Enumerable.Range(0, 4).Select(row => new ImageRow { Planar = new byte[16_385], Key = (uint)row % 2 + 1 }).ToList();
        var data = ml.Data.LoadFromEnumerable(rows, definition);
        var trainer = ImageRows.Trainer(ml, change: options => options.LabelColumnName = nameof(ImageRow.Key));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => trainer.Fit(data)).Message, "at most 100000");

        definition[nameof(ImageRow.Key)].ColumnType = new KeyDataViewType(typeof(uint), 2);
        data = ml.Data.LoadFromEnumerable(rows, definition);
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => trainer.Fit(data));
        StringAssert.Contains(error.Message, "The images are 1x1x16385");
        StringAssert.Contains(error.Message, "sides of 1 to 16384 pixels");

        var wide = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ImageRows.Trainer(ml, change: options
            => options.Architecture = ResNetArchitecture.Cifar(8) with { StemWidth = (1 << 20) + 1 }));
        StringAssert.Contains(wide.Message, "wider than 1048576 channels");
    }

    [TestMethod]
    public void Keys_of_absurd_count_are_refused_before_memory_is_taken()
    {
        var ml = new MLContext(seed: 1);
        foreach (var count in new[] { 100_000_000UL, uint.MaxValue }) // the latter is what a TextLoader makes of a key without a range
        {
            var definition = SchemaDefinition.Create(typeof(ImageRow));
            definition[nameof(ImageRow.Key)].ColumnType = new KeyDataViewType(typeof(uint), count);
            var data = ml.Data.LoadFromEnumerable(ImageRows.Create(9), definition);
            var trainer = ImageRows.Trainer(ml, change: options => options.LabelColumnName = nameof(ImageRow.Key));
            var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => trainer.Fit(data));
            foreach (var part in new[] { "label column 'Key'", $"{count} classes", "MapValueToKey" })
                StringAssert.Contains(error.Message, part);
        }
    }

    [TestMethod]
    [DataRow(nameof(ImageRow.Name), "red left, green right, blue top", true)]
    [DataRow(nameof(ImageRow.Number), "10, 20, 30", false)]
    [DataRow(nameof(ImageRow.Key), "0, 1, 2", false)]
    public void The_model_names_its_classes_whatever_the_keys_stand_for(string labelSource, string names, bool hasSlotNames)
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.View(ml, 9, labelSource);
        using var model = ImageRows.Trainer(ml).Fit(data);
        var score = model.GetOutputSchema(data.Schema)["Score"];
        Assert.AreEqual(names, string.Join(", ", model.Model.ClassNames));
        Assert.AreEqual(hasSlotNames, score.HasSlotNames());
        Assert.AreEqual(labelSource != nameof(ImageRow.Key), score.Annotations.Schema.GetColumnOrNull("TrainingLabelValues") is not null);
    }
}
