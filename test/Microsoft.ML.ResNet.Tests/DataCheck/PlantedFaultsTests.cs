using Microsoft.ML.ResNet.Reports;
using Microsoft.ML.ResNet.Tests.Images;
using Microsoft.ML.ResNet.Tests.Interop.Onnx;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.DataCheck;

/// <summary>Drawn sets: each planted fault is found, and nothing else.</summary>
[TestClass]
public class PlantedFaultsTests
{
    private static readonly List<CheckedImage> Clean = [.. Scenes.Clean("train", 12, seed: 1), .. Scenes.Clean("val", 6, seed: 500)];

    [TestMethod]
    public void A_clean_set_has_no_findings()
    {
        var result = DataChecker.Check(Clean);

        Assert.IsEmpty(result.Findings, Text(result));
        Assert.IsFalse(result.HasSerious);
        Assert.AreEqual(36, result.Images);
        CollectionAssert.AreEqual(new[] { "train", "val" }, result.Parts.Select(part => part.Name).ToArray());
        Assert.AreEqual(12, result.Parts[0].Classes["discs"]);
        Assert.AreEqual(Scenes.Side, result.Width!.Median);
    }

    [TestMethod]
    public void A_file_that_is_no_image_is_unreadable_and_serious()
    {
        var finding = Only(DataFindingKind.Unreadable, Scenes.Image("train", "bars", "text.jpg", "not an image"u8.ToArray()));

        Assert.IsTrue(finding.IsSerious);
        Assert.AreEqual("train/bars/text.jpg", finding.Images.Single().Name);
        StringAssert.Contains(finding.Explanation, "expected an image");
    }

    [TestMethod]
    public void A_file_that_cannot_be_read_says_why()
    {
        var finding = Only(DataFindingKind.Unreadable,
            new CheckedImage("gone.jpg", "bars", "train", () => throw new FileNotFoundException("there is no such file.")));

        Assert.AreEqual("there is no such file.", finding.Explanation);
    }

    [TestMethod]
    public void An_image_that_vanishes_during_the_check_does_not_touch_what_is_said_of_the_others()
    {
        using var network = ExportedModel.Transformer(ExportedModel.Tiny());
        var options = new DataCheckOptions { Network = network };
        var (file, reads) = (File(5), 0);
        var vanishing = new CheckedImage("vanishing.jpg", "bars", "train", () => Interlocked.Increment(ref reads) == 1
            ? file
            : throw new FileNotFoundException("gone"));
        List<CheckedImage> others = [.. Clean.Where((_, place) => place != 5)];
        var expected = DataChecker.Check(others, options);
        var result = DataChecker.Check([.. others[..5], vanishing, .. others[5..]], options);

        Assert.IsGreaterThan(1, reads);
        Assert.AreEqual(expected.OutOfFoldAccuracy!.Value, result.OutOfFoldAccuracy!.Value, 1e-9);
        CollectionAssert.AreEqual(expected.Findings.Select(finding => finding.Explanation).ToArray(),
            result.Findings.Select(finding => finding.Explanation).ToArray());
    }

    [TestMethod]
    public void The_same_file_twice_in_one_class_is_a_remark()
    {
        var finding = Only(DataFindingKind.ExactDuplicate, Scenes.Image("train", "bars", "copy.jpg", File(0)));

        Assert.IsFalse(finding.IsSerious);
        CollectionAssert.AreEqual(new[] { "train/bars/00.jpg", "train/bars/copy.jpg" },
            finding.Images.Select(image => image.Name).ToArray());
    }

    [TestMethod]
    public void The_same_file_in_training_and_validation_is_serious()
    {
        var finding = Only(DataFindingKind.ExactDuplicate, Scenes.Image("val", "bars", "leak.jpg", File(0)));

        Assert.IsTrue(finding is { IsSerious: true, CrossesParts: true, CrossesLabels: false }, finding.ToString());
    }

    [TestMethod]
    public void The_same_file_under_two_labels_is_serious()
    {
        var finding = Only(DataFindingKind.ExactDuplicate, Scenes.Image("train", "discs", "wrong.jpg", File(0)));

        Assert.IsTrue(finding is { IsSerious: true, CrossesParts: false, CrossesLabels: true }, finding.ToString());
    }

    [TestMethod]
    [DataRow(0, 0, 96, 96, 1f, false, 40, DisplayName = "compressed again")]
    [DataRow(6, 4, 92, 93, 1f, false, 90, DisplayName = "cropped")]
    [DataRow(0, 0, 96, 96, 0.7f, false, 90, DisplayName = "darker")]
    [DataRow(9, 1, 95, 87, 1f, false, 90, DisplayName = "cropped off the middle")]
    [DataRow(0, 0, 96, 96, 1f, true, 90, DisplayName = "mirrored")]
    public void Another_print_of_a_shot_is_a_near_duplicate(int left, int top, int right, int bottom, float gain, bool isMirrored,
        int quality)
    {
        using var scene = Scenes.Draw(seed: 1003, isDiscs: true);
        using var print = Scenes.Print(scene, new SKRect(left, top, right, bottom), gain, isMirrored);

        var finding = Only(DataFindingKind.NearDuplicate, Scenes.Image("train", "discs", "print.jpg", Scenes.Jpeg(print, quality)));

        CollectionAssert.AreEqual(new[] { "train/discs/02.jpg", "train/discs/print.jpg" },
            finding.Images.Select(image => image.Name).ToArray());
        Assert.IsFalse(finding.IsSerious);
    }

    [TestMethod]
    public void An_image_of_one_colour_has_no_contrast_and_is_nobodys_duplicate()
    {
        using var grey = new SKBitmap(Scenes.Side, Scenes.Side);
        grey.Erase(SKColors.Gray);
        using var lighter = new SKBitmap(Scenes.Side, Scenes.Side);
        lighter.Erase(SKColors.LightGray);

        var result = DataChecker.Check([.. Clean, Scenes.Image("train", "bars", "a.jpg", Scenes.Jpeg(grey)),
            Scenes.Image("val", "bars", "b.jpg", Scenes.Jpeg(lighter))]);

        CollectionAssert.AreEqual(new[] { DataFindingKind.NoContrast, DataFindingKind.NoContrast },
            result.Findings.Select(finding => finding.Kind).ToArray(), Text(result));
    }

    [TestMethod]
    [DataRow(12, 12, "shorter side")]
    [DataRow(400, 100, "4.0 times")]
    public void A_tiny_and_a_long_image_have_unusual_sizes(int width, int height, string says)
    {
        using var scene = Scenes.Draw(seed: 77, isDiscs: true);
        using var other = scene.Resize(new SKImageInfo(width, height), SKFilterQuality.High);

        var finding = Only(DataFindingKind.UnusualSize, Scenes.Image("train", "discs", "odd.jpg", Scenes.Jpeg(other)));

        StringAssert.Contains(finding.Explanation, says);
    }

    [TestMethod]
    public void An_orientation_tag_is_named_and_honoured()
    {
        using var scene = Scenes.Draw(seed: 78, isDiscs: true);
        var finding = Only(DataFindingKind.OrientationTag,
            Scenes.Image("train", "discs", "turned.jpg", ImageGeometryTests.WithOrientation(Scenes.Jpeg(scene), 6)));

        StringAssert.Contains(finding.Explanation, "tag 6");
    }

    [TestMethod]
    public void A_class_of_validation_that_training_lacks_is_serious()
    {
        using var scene = Scenes.Draw(seed: 79, isDiscs: true);
        var finding = Only(DataFindingKind.MissingClass, Scenes.Image("val", "rings", "00.jpg", Scenes.Jpeg(scene)));

        Assert.IsTrue(finding.IsSerious);
        StringAssert.Contains(finding.Explanation, "'rings'");
    }

    [TestMethod]
    public void A_class_of_few_images_is_named()
    {
        using var one = Scenes.Draw(seed: 80, isDiscs: true);
        using var other = Scenes.Draw(seed: 81, isDiscs: true);

        var result = DataChecker.Check([.. Clean, Scenes.Image("train", "rings", "0.jpg", Scenes.Jpeg(one)),
            Scenes.Image("val", "rings", "1.jpg", Scenes.Jpeg(other))]);

        Assert.AreEqual(DataFindingKind.FewImages, result.Findings.Single().Kind, Text(result));
    }

    [TestMethod]
    public void Options_out_of_range_are_all_named()
    {
        var error = Assert.ThrowsExactly<ArgumentException>(() => DataChecker.Check(Clean, new() { Folds = 1, OutlierDistance = 0.5 }));

        StringAssert.Contains(error.Message, "Folds is 1; expected 2 to 20.");
        StringAssert.Contains(error.Message, "OutlierDistance is 0.5; expected above 1.");
    }

    private static byte[] File(int scene)
    {
        using var bitmap = Scenes.Draw(1 + scene, isDiscs: false);
        return Scenes.Jpeg(bitmap);
    }

    private static DataFinding Only(DataFindingKind kind, CheckedImage planted)
    {
        var result = DataChecker.Check([.. Clean, planted]);
        Assert.HasCount(1, result.Findings, Text(result));
        Assert.AreEqual(kind, result.Findings[0].Kind, Text(result));
        return result.Findings[0];
    }

    private static string Text(DataCheckResult result) => string.Join(Environment.NewLine,
        result.Findings.Select(finding => $"{finding.Kind}: {string.Join(", ", finding.Images.Select(image => image.Name))}: "
            + finding.Explanation));
}
