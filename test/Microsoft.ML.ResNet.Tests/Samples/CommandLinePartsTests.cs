using System.CommandLine;
using global::Samples.CommandLine;
using global::Samples.Predictions;
using global::Samples.Runs;
using Microsoft.ML.ResNet.Tests.Images;

namespace Microsoft.ML.ResNet.Tests.Samples;

/// <summary>Words, files of options, folders of runs and patterns of file names.</summary>
[TestClass]
public class CommandLinePartsTests
{
    private static readonly Option<AugmentationChoice?> Augment = new("--augment") { CustomParser = AugmentationChoice.Parse };

    [TestMethod]
    [DataRow("none", "none", null)]
    [DataRow("crop=4,flip", "crop(4) | flip", null)]
    [DataRow("flip=alternating, cutout=8", "flip in turns | cutout(8)", null)]
    [DataRow("color-jitter=0.4,mixup=0.2", "jitter(0.4, 0.4, 0.4)", "Mixup")]
    [DataRow("random-resized-crop,cutmix=1", "random resized crop", "CutMix")]
    public void Augmentations_are_words(string text, string policy, string? mix)
    {
        var choice = new RootCommand { Augment }.Parse(["--augment", text]).GetValue(Augment)!;

        StringAssert.StartsWith($"{choice.Policy}", policy);
        Assert.AreEqual(mix, choice.Mix?.GetType().Name);
    }

    [TestMethod]
    [DataRow("Set BatchSize to 8.", "Pass --batch-size to 8.")]
    [DataRow("the file's Height is 0", "the file's the height of --image is 0")]
    [DataRow("the class 'Set Height' and 'Width' in '/photos/Channels.zip'",
        "the class 'Set Height' and 'Width' in '/photos/Channels.zip'")]
    [DataRow("They are those of cifar-20. Name another, or set Strict to false to keep what fits.",
        "They are those of cifar-20. Name another.")]
    [DataRow("Only one class found in the Label column. To build a multiclass classification model, the number of classes needs to be 2 "
        + "or greater", "The training images are all of one class; expected at least two. Add images that are something else.")]
    [DataRow("The native library libtorch was not found for linux-arm64. Add one backend to the application: the package TorchSharp-cpu, "
        + "or TorchSharp-cuda-linux or TorchSharp-cuda-windows for a GPU, in the version of TorchSharp (0.107.0).",
        "The native library libtorch was not found for linux-arm64. Training needs it; predict, evaluate, report and serve do not. On "
        + "x64 Linux, x64 Windows and Apple silicon resnet brings it, unless it was built with -p:TorchBackend=none.")]
    [DataRow("There are no ImageNet weights at '/a/ResNet18.onnx'. They come with a NuGet package, whose build puts them there: run "
        + "'dotnet add package Microsoft.ML.DnnImageFeaturizer.ResNet18' in the application's own project and build it again.",
        "There are no ImageNet weights at '/a/ResNet18.onnx'. On x64 Linux, x64 Windows and Apple silicon resnet brings them, unless it "
        + "was built with -p:TorchBackend=none. check --quick does without.")]
    [DataRow("The native library '/a/libtorch_cpu.so' is there but cannot be loaded: libgomp.so.1: no such file. Install or update what "
        + "that names, or restore the package of the backend again, in the version of TorchSharp (0.107.0).",
        "The native library '/a/libtorch_cpu.so' is there but cannot be loaded: libgomp.so.1: no such file. Install or update what "
        + "that names, or install or build resnet again.")]
    [DataRow("No CUDA device was found. Reference the package TorchSharp-cuda-linux or TorchSharp-cuda-windows and check the driver, or "
        + "set Device to Auto or Cpu.",
        "No CUDA device was found. It takes NVIDIA's driver and a build of resnet with -p:TorchBackend=cuda; or pass --device cpu.")]
    public void Messages_speak_of_options_and_leave_names_alone(string message, string expected)
        => Assert.AreEqual(expected, Vocabulary.Translate(message));

    [TestMethod]
    [DataRow("spin", "'spin'")]
    [DataRow("crop", "'crop'")]
    [DataRow("crop=0,flip", "'crop=0'")]
    [DataRow("flip=sometimes", "'flip=sometimes'")]
    [DataRow("color-jitter=2", "'color-jitter=2'")]
    public void An_unknown_word_is_an_error_that_lists_the_known(string text, string part)
    {
        var error = new RootCommand { Augment }.Parse(["--augment", text]).Errors.Single().Message;

        StringAssert.Contains(error, $"of which {part} is not known");
        StringAssert.Contains(error,
            "none, crop=PIXELS, random-resized-crop, flip, flip=alternating, cutout=PIXELS, color-jitter=STRENGTH");
    }

    [TestMethod]
    public void A_file_of_options_reads_back_and_the_command_line_wins()
    {
        var (command, epochs, resume, path) = Verb();
        var folder = ImageSamples.NewFolder();
        var file = Path.Combine(folder, "options.json");
        var given = command.Parse([folder, "--epochs", "5", "--resume"]);
        OptionsFile.Write(file, given, without: [], known: new Dictionary<Option, string>());

        var read = command.Parse(OptionsFile.Expand([], command.Parse([]), file));
        var won = command.Parse(OptionsFile.Expand(["--epochs", "9"], command.Parse(["--epochs", "9"]), file));

        Assert.AreEqual((folder, 5, true), (read.GetValue(path), read.GetValue(epochs), read.GetValue(resume)));
        Assert.AreEqual((folder, 9, true), (won.GetValue(path), won.GetValue(epochs), won.GetValue(resume)));
    }

    [TestMethod]
    [DataRow("""{ "epoch": 5 }""", "'epoch' is no option of 'learn'. Did you mean 'epochs'?")]
    [DataRow("""{ "--resum": true }""", "Did you mean 'resume'?")]
    [DataRow("""{ "epochs": {} }""", "'epochs' is Object; expected a text, a number, true, false or null")]
    [DataRow("[1]", "expected a JSON object of options, found another value")]
    [DataRow("{ epochs", "expected a JSON object of options, found something else")]
    public void A_file_of_something_else_is_an_error_that_helps(string json, string expected)
    {
        var command = Verb().Command;
        var file = ImageSamples.NewFile("options.json", System.Text.Encoding.UTF8.GetBytes(json));

        var error = Assert.ThrowsExactly<InvalidDataException>(() => OptionsFile.Expand([], command.Parse([]), file)).Message;

        StringAssert.StartsWith(error, file);
        StringAssert.Contains(error, expected);
    }

    [TestMethod]
    public void Files_folders_and_patterns_become_files()
    {
        var folder = ImageSamples.FolderOf(("a/1.jpg", [1]), ("a/2.png", [1]), ("a/b/3.jpg", [1]), ("a/notes.txt", [1]), ("c/4.jpg", [1]));

        CollectionAssert.AreEqual(new[] { "a/1.jpg", "a/2.png", "a/b/3.jpg" }, Find("a"));
        CollectionAssert.AreEqual(new[] { "a/1.jpg", "a/b/3.jpg", "c/4.jpg" }, Find("**/*.jpg"));
        CollectionAssert.AreEqual(new[] { "a/1.jpg", "c/4.jpg" }, Find("?/*.jpg"));
        CollectionAssert.AreEqual(new[] { "c/4.jpg", "a/notes.txt", "nothing.png", "*.webp" },
            Find("c/4.jpg", "a/notes.txt", "nothing.png", "*.webp"));

        string[] Find(params string[] paths)
            => [.. InputFiles.Find(paths.Select(path => Path.Combine(folder, path))).Select(file => Path.GetRelativePath(folder, file))];
    }

    [TestMethod]
    [DataRow("1", true, false)]
    [DataRow("1.5", false, true)]
    [DataRow("0", false, false)]
    [DataRow("1000", false, false)]
    [DataRow("NaN", false, false)]
    public void Numbers_have_bounds(string text, bool isPart, bool isMultiple)
    {
        Assert.AreEqual(isPart, IsRight(Arguments.NumberUpTo(1)));
        Assert.AreEqual(isMultiple, IsRight(Arguments.NumberBelow(1000, above: 1)));

        bool IsRight(Func<System.CommandLine.Parsing.ArgumentResult, double?> parser)
            => new RootCommand { new Option<double?>("--number") { CustomParser = parser } }.Parse(["--number", text]).Errors.Count == 0;
    }

    [TestMethod]
    public void Nothing_is_written_among_images_but_runs()
    {
        var folder = ImageSamples.FolderOf(("photos/a/1.jpg", [1]), ("photos/b/2.jpg", [1]));
        var photos = new global::Samples.DataPath(Path.Combine(folder, "photos"));

        foreach (var name in new[] { "grid.png", "photos.png", "photos/runs/study/study.html" })
            OutputFile.CheckOutside("--output", Path.Combine(folder, name), photos);
        foreach (var name in new[] { "photos/grid.png", "photos/a/grid.png", "photos/..grid.png" })
            StringAssert.StartsWith(Assert.ThrowsExactly<IOException>(
                () => OutputFile.CheckOutside("--output", Path.Combine(folder, name), photos)).Message, "--output is '");
    }

    [TestMethod]
    public void A_glance_sees_files_that_came_went_or_changed_but_not_runs()
    {
        var folder = ImageSamples.FolderOf(("a/1.jpg", [1]), ("b/2.jpg", [1]));
        var seen = new List<string> { Fingerprint.AtAGlance(folder) };
        Directory.CreateDirectory(Path.Combine(folder, "runs", "one"));
        File.WriteAllText(Path.Combine(folder, "runs", "one", "history.csv"), "");
        Assert.AreEqual(seen[0], Fingerprint.AtAGlance(folder));

        File.WriteAllBytes(Path.Combine(folder, "a", "3.jpg"), [1]);
        seen.Add(Fingerprint.AtAGlance(folder));
        File.SetLastWriteTimeUtc(Path.Combine(folder, "a", "1.jpg"), new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        seen.Add(Fingerprint.AtAGlance(folder));
        File.WriteAllBytes(Path.Combine(folder, "a", "1.jpg"), [1, 2]);
        File.SetLastWriteTimeUtc(Path.Combine(folder, "a", "1.jpg"), new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        seen.Add(Fingerprint.AtAGlance(folder));
        seen.Add(Fingerprint.AtAGlance(folder, Path.Combine(folder, "b")));
        Assert.HasCount(5, seen.Distinct());
    }

    private static (System.CommandLine.Command Command, Option<int> Epochs, Option<bool> Resume, Argument<string?> Path) Verb()
    {
        var (epochs, resume) = (new Option<int>("--epochs"), new Option<bool>("--resume"));
        var path = new Argument<string?>("PATH") { Arity = ArgumentArity.ZeroOrOne };
        return (new System.CommandLine.Command("learn") { path, epochs, resume }, epochs, resume, path);
    }
}
