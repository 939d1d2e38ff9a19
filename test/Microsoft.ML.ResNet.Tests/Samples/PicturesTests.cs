using global::Samples.Pictures;
using global::Samples.Synthetic;
using Microsoft.ML.ResNet.Tests.Images;

namespace Microsoft.ML.ResNet.Tests.Samples;

/// <summary>What <c>train</c> finds in folders and archives, and what it says of those that cannot be learnt from.</summary>
[TestClass]
public class PicturesTests
{
    private static readonly byte[] Picture = ImageSamples.Plain(200, width: 5, height: 3);

    [TestMethod]
    [DataRow("val", "train")]
    [DataRow("Valid", "Train")]
    [DataRow("validation", "training")]
    [DataRow("test", "train")]
    public void Training_and_validation_folders_are_found(string validation, string train)
    {
        var parts = PartsOf($"{train}/a/1.png", $"{train}/b/2.png", $"{train}/b/3.png", $"{validation}/a/4.png", "readme.txt");

        CollectionAssert.AreEqual(new[] { $"{train}/a/1.png", $"{train}/b/2.png", $"{train}/b/3.png" },
            parts.Train.All.Select(picture => picture.Name).ToArray());
        Assert.AreEqual(new Picture("a", $"{validation}/a/4.png"), parts.Validation!.All.Single());
    }

    [TestMethod]
    public void An_archive_of_a_single_folder_is_looked_into()
    {
        var zip = ImageSamples.NewFile("photos.zip", ImageSamples.Zip(("hymenoptera_data/train/ants/1.jpg", Picture),
            ("hymenoptera_data/train/bees/2.jpg", Picture), ("hymenoptera_data/val/ants/3.jpg", Picture),
            ("__MACOSX/hymenoptera_data/train/ants/._1.jpg", [1])));
        var parts = PictureParts.Of(PictureSource.Of(zip), null);

        CollectionAssert.AreEqual(new[] { "ants", "bees" }, parts.Train.Classes.ToArray());
        Assert.AreEqual("hymenoptera_data/val", parts.ValidationFolder);
        CollectionAssert.AreEqual(new[] { (5, 3), (5, 3) }, PictureSurvey.Of(parts.Train, decodes: true, default).Sizes.ToArray());
    }

    [TestMethod]
    public void Val_wins_over_test_and_a_class_may_be_called_train()
    {
        Assert.AreEqual("val", PartsOf("train/a/1.png", "train/b/2.png", "test/a/3.png", "val/a/4.png").ValidationFolder);
        CollectionAssert.AreEqual(new[] { "bus", "train" }, PartsOf("train/1.png", "bus/2.png").Train.Classes.ToArray());
    }

    [TestMethod]
    [DataRow("expected a folder of pictures for each class, found no files", "")]
    [DataRow("expected a folder of pictures for each class, found 2 pictures and no folders. Put the pictures of each",
        "1.jpg 2.jpg")]
    [DataRow("expected a folder of pictures for each class, found no pictures", "notes.txt")]
    [DataRow("found one class: 'cats'. Add a folder of pictures that are something else", "cats/1.jpg cats/2.jpg")]
    [DataRow("found pictures at two depths: '3.jpg' lies beside the class folders 'a', 'b'. Move it", "a/1.jpg b/2.jpg 3.jpg")]
    [DataRow("found pictures at two depths: 'b/more' lies in 'b'. Move its pictures up, or write #FOLDER behind the path",
        "a/1.jpg b/2.jpg b/more/3.jpg")]
    [DataRow("found folders in them: 'x/a' lies in 'x'", "x/a/1.jpg y/b/2.jpg")]
    public void What_cannot_be_learnt_from_is_said(string expected, string names)
    {
        var folder = ImageSamples.FolderOf([.. names.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(name => (name, Picture))]);
        var exception = Assert.ThrowsExactly<InvalidDataException>(() => PictureParts.Of(PictureSource.Of(folder), null));

        StringAssert.StartsWith(exception.Message, folder);
        StringAssert.Contains(exception.Message, expected);
    }

    [TestMethod]
    public void A_folder_that_is_not_there_is_named_with_those_that_are()
        => StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => InFolder("sub", "a/1.png", "b/2.png")).Message,
            "expected a folder 'sub' with class folders in it, found only 'a', 'b'");

    [TestMethod]
    public void A_folder_below_the_single_one_of_an_archive_needs_no_path()
        => Assert.AreEqual(
            "set/val", InFolder("val", "set/train/a/1.png", "set/train/b/2.png", "set/val/a/3.png", "set/val/b/4.png").TrainFolder);

    [TestMethod]
    public void Links_are_the_files_behind_them()
    {
        var folder = ImageSamples.FolderOf(("a/1.png", Picture), ("b/2.png", Picture));
        var links = ImageSamples.NewFolder();
        foreach (var name in new[] { "a/1.png", "b/2.png" })
        {
            Directory.CreateDirectory(Path.Combine(links, Path.GetDirectoryName(name)!));
            File.CreateSymbolicLink(Path.Combine(links, name), Path.Combine(folder, name));
        }
        File.CreateSymbolicLink(Path.Combine(links, "b", "gone.png"), Path.Combine(folder, "gone.png"));
        var source = PictureSource.Of(links);
        var survey = PictureSurvey.Of(PictureParts.Of(source, null).Train, decodes: false, default);
        using var reader = source.Open();

        CollectionAssert.AreEqual(new[] { "a/1.png", "b/2.png" }, survey.Readable.All.Select(picture => picture.Name).ToArray());
        CollectionAssert.AreEqual(Picture, reader.ReadFile("b/2.png"));
        StringAssert.Contains(survey.Problems.Single().Problem, "gone.png");
    }

    [TestMethod]
    public void Folders_without_pictures_are_passed_over_and_named()
    {
        var parts = PartsOf("a/1.png", "a/notes/1.txt", "b/2.png", "runs/a-1/model.zip", "docs/read.me");

        CollectionAssert.AreEqual(new[] { "a", "b" }, parts.Train.Classes.ToArray());
        CollectionAssert.AreEqual(new[] { "docs", "runs" }, parts.PassedOver.ToArray());
    }

    [TestMethod]
    public void Plots_that_trainings_leave_are_no_class()
    {
        var parts = PartsOf("a/1.png", "b/2.png", "runs/a-1/options.json", "runs/rate/learning-rate.csv", "runs/rate/curve.png",
            "runs/study/study.csv", "runs/study/cells/one/plot.png");

        CollectionAssert.AreEqual(new[] { "a", "b" }, parts.Train.Classes.ToArray());
        CollectionAssert.AreEqual(new[] { "runs" }, parts.PassedOver.ToArray());
        CollectionAssert.AreEqual(new[] { "jumps", "runs" }, PartsOf("jumps/1.png", "runs/2.png").Train.Classes.ToArray());
    }

    [TestMethod]
    public void Parts_of_one_name_that_are_checked_against_one_another_are_named_by_what_they_are_for()
    {
        var folder = ImageSamples.NewFolder();
        FigureSet.Write(folder, trainImages: 10, testImages: 10, seed: 1);
        using var images = CheckedImages.Of(new MLContext(), new($"{folder}#train"), new global::Samples.DataPath($"{folder}#train"));
        using var others = CheckedImages.Of(new MLContext(), new($"{folder}#train"), new global::Samples.DataPath($"{folder}#test"));

        CollectionAssert.AreEqual(new[] { "train", "validation" }, images.All.Select(image => image.Part).Distinct().ToArray());
        CollectionAssert.AreEqual(new[] { "train", "test" }, others.All.Select(image => image.Part).Distinct().ToArray());
    }

    [TestMethod]
    public void Where_no_name_says_picture_every_folder_is_a_class()
        => CollectionAssert.AreEqual(new[] { "a", "b" }, PartsOf("a/0001", "b/0002").Train.Classes.ToArray());

    [TestMethod]
    public void Ten_thousand_classes_of_one_picture_each_are_no_classes()
    {
        var set = new PictureSet(PictureSource.Of(ImageSamples.NewFolder()),
            [.. Enumerable.Range(0, 10_000).Select(i => new Picture($"{i}", $"{i}/1.png"))]);
        var message = Assert.ThrowsExactly<InvalidDataException>(() => HeldOut.Split(set, 0.2, seed: 1)).Message;

        StringAssert.Contains(message, "found 10,000 classes of one picture each");
        StringAssert.Contains(message, "two pictures at least");
    }

    [TestMethod]
    public void A_fifth_of_every_class_is_held_out_and_never_all()
    {
        var counts = new[] { 1, 2, 5, 52 };
        var set = new PictureSet(PictureSource.Of(ImageSamples.NewFolder()),
            [.. counts.SelectMany((count, label) => Enumerable.Range(0, count).Select(i => new Picture($"{label}", $"{label}/{i}")))]);

        var (train, held) = HeldOut.Split(set, 0.2, seed: 1);
        var again = HeldOut.Split(set, 0.2, seed: 1).Validation;
        var other = HeldOut.Split(set, 0.2, seed: 2).Validation;

        CollectionAssert.AreEqual(new[] { 0, 1, 1, 10 }, counts.Select((_, label) => held.All.Count(picture => picture.Label == $"{label}"))
            .ToArray());
        CollectionAssert.AreEquivalent(set.All.ToArray(), train.All.Concat(held.All).ToArray());
        CollectionAssert.AreEqual(held.All.ToArray(), again.All.ToArray());
        CollectionAssert.AreNotEqual(held.All.ToArray(), other.All.ToArray());
    }

    [TestMethod]
    public void Sizes_are_those_of_all_pictures_and_what_is_none_is_named()
    {
        var large = ImageSamples.Plain(9, width: 300, height: 200);
        var folder = ImageSamples.FolderOf(("a/1.png", ImageSamples.Plain(9, width: 8, height: 6)), ("a/2.png", large), ("b/3.png", large),
            ("b/4.png", "no picture"u8.ToArray()), ("b/5.png", []), ("b/6.png", large[..(large.Length / 2)]));
        var set = PictureParts.Of(PictureSource.Of(folder), null).Train;

        var headers = PictureSurvey.Of(set, decodes: false, default);
        var whole = PictureSurvey.Of(set, decodes: true, default);

        Assert.AreEqual(300, headers.MedianLongerSide);
        Assert.AreEqual((300, 200), headers.MedianSize);
        CollectionAssert.AreEqual(new[] { "b/4.png", "b/5.png" }, headers.Problems.Select(one => one.Picture.Name).ToArray());
        CollectionAssert.AreEqual(new[] { "b/4.png", "b/5.png", "b/6.png" }, whole.Problems.Select(one => one.Picture.Name).ToArray());
        StringAssert.Contains(whole.Problems[2].Problem, "a file that ends too early");
    }

    [TestMethod]
    public void Rows_that_the_library_leaves_out_are_files_again()
    {
        var folder = ImageSamples.FolderOf(("a/1.png", Picture), ("b/2.png", Picture), ("b/3.png", Picture));
        var rows = new PictureRows(PictureParts.Of(PictureSource.Of(folder), null).Train);

        var (count, first) = rows.Unreadable("Left out of the training rows: 4 rows have an image that is missing or cannot be read "
            + "(row 1: expected a whole Png, found damaged data; row 2: expected (all), found none; and 2 more).");

        Assert.AreEqual(4, count);
        CollectionAssert.AreEqual(new[]
        {
            $"{Path.Combine(folder, "b/2.png")}: expected a whole Png, found damaged data.",
            $"{Path.Combine(folder, "b/3.png")}: expected (all), found none.",
        }, first.ToArray());
        Assert.AreEqual(0, rows.Unreadable("2 classes have no training rows.").Count);
    }

    private static PictureParts PartsOf(params string[] names) => InFolder(null, names);

    private static PictureParts InFolder(string? folder, params string[] names)
        => PictureParts.Of(PictureSource.Of(ImageSamples.FolderOf([.. names.Select(name => (name, Picture))])), folder);
}
