using System.Diagnostics;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.Tests.Images;
using Microsoft.ML.ResNet.Tests.Support;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Samples;

/// <summary>The command line of the samples, with files that people have.</summary>
[TestClass]
public partial class CommandLineTests
{
    private static readonly MLContext ML = new(seed: 1);
    private static string _pictures = "", _model = "";
    private static ITransformer _chain = null!;

    /// <summary>Strips of 400x50 pixels, with lines along them or without, and a model that has seen them once.</summary>
    [ClassInitialize]
    public static void Train(TestContext _)
    {
        _pictures = ImageSamples.FolderOf([.. Enumerable.Range(0, 12).Select(i => ($"{(i % 2 == 0 ? "lines" : "plain")}/{i:d2}.png",
            Strip(i, withLines: i % 2 == 0)))]);
        var images = ML.Data.LoadFromImageFolder(_pictures, new ImageFolderOptions { Height = 16, Width = 16 });
        var options = TinyImages.Options(epochs: 2);
        options.Recipe = options.Recipe with { BatchSize = 4 };
        var pipeline = ML.Transforms.Conversion.MapValueToKey("Label").Append(ML.MulticlassClassification.Trainers.ResNet(options))
            .Append(ML.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        _chain = pipeline.Fit(images);
        _model = Path.Combine(ImageSamples.NewFolder(), "model.zip");
        ML.Model.Save(_chain, images.Schema, _model);
    }

    [TestMethod]
    [Timeout(300_000)]
    public void Predict_evaluate_and_PredictionEngine_agree_on_every_picture()
    {
        var files = Directory.GetFiles(_pictures, "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();

        var predictions = SampleProgram.Run(["predict", "--json", "--model", _model, .. files]).Json["predictions"]!.AsArray();
        var evaluated = SampleProgram.Run("evaluate", "--json", "--model", _model, "--data", _pictures).Json;

        Assert.HasCount(files.Count, predictions);
        var images = ML.Data.LoadFromImageFolder(_pictures, new ImageFolderOptions { Height = 16, Width = 16 });
        var scored = ML.Data.CreateEnumerable<NamedRow>(_chain.Transform(images), reuseRowObject: false).ToList();
        using var engine = ML.Model.CreatePredictionEngine<EncodedRow, NamedRow>(_chain,
            new PredictionEngineOptions { OwnsTransformer = false });
        var right = 0;
        foreach (var (index, (prediction, file)) in predictions.Zip(files).Index())
        {
            Assert.AreEqual(file, (string?)prediction!["image"]);
            Assert.AreEqual(scored[index].PredictedLabel, (string?)prediction["class"], file);
            var single = engine.Predict(new EncodedRow { Features = File.ReadAllBytes(file) });
            foreach (var (place, name) in new[] { "lines", "plain" }.Index())
            {
                Assert.AreEqual(scored[index].Score[place], (float)prediction["probabilities"]![name]!, file);
                Assert.AreEqual(scored[index].Score[place], single.Score[place], file);
            }
            right += Path.GetFileName(Path.GetDirectoryName(file)) == (string?)prediction["class"] ? 1 : 0;
        }
        Assert.AreEqual((double)right / files.Count, (double)evaluated["microAccuracy"]!, 1e-9);
    }

    [TestMethod]
    [Timeout(300_000)]
    public void Predict_goes_on_after_files_that_cannot_be_read()
    {
        var folder = ImageSamples.FolderOf(("good.png", Strip(1, withLines: true)), ("cut.jpg", Jpeg()[..^200]),
            ("text.png", "text"u8.ToArray()), ("empty.png", []));
        var empty = Directory.CreateDirectory(At("nothing")).FullName;
        string[] bad = [At("cut.jpg"), At("text.png"), At("empty.png"), At("missing.png"), empty, .. Pipe(folder)];

        var some = SampleProgram.Run(["predict", "--json", "--model", _model, bad[0], At("good.png"), .. bad[1..]]);
        var none = SampleProgram.Run(["predict", "--model", _model, .. bad]);
        var first = SampleProgram.Run(["predict", "--unreadable", "stop", "--model", _model, At("good.png"), .. bad]);

        Assert.AreEqual(0, some.ExitCode, some.Errors);
        Assert.HasCount(1, some.Json["predictions"]!.AsArray());
        CollectionAssert.AreEqual(bad, some.Json["unreadable"]!.AsArray().Select(file => (string?)file!["image"]).ToArray());
        Assert.HasCount(bad.Length, some.ErrorLines);
        Assert.AreEqual(1, none.ExitCode);
        Assert.HasCount(bad.Length + 1, none.ErrorLines);
        StringAssert.Contains(none.Errors, $"None of the {bad.Length} files could be read.");
        Assert.AreEqual(1, first.ExitCode);
        StringAssert.StartsWith(first.ErrorLines.Single(), $"{bad[0]}: expected ");

        string At(string name) => Path.Combine(folder, name);
    }

    [TestMethod]
    [Timeout(300_000)]
    public void Evaluate_and_train_leave_unreadable_images_out_when_they_are_told_to()
    {
        var folder = ImageSamples.FolderOf([.. Enumerable.Range(0, 6).Select(i => ($"{(i % 2 == 0 ? "lines" : "plain")}/{i}.png",
            Strip(i, withLines: i % 2 == 0))), ("plain/cut.jpg", Jpeg()[..^200])]);
        var output = Path.Combine(folder, "model.zip");
        string[] train = ["train", "--json", "--data", folder, "--image", "3x16x16", "--architecture", "resnet8", "--epochs", "1",
            "--output", output];

        var stopped = SampleProgram.Run("evaluate", "--model", _model, "--data", folder);
        var evaluated = SampleProgram.Run("evaluate", "--json", "--unreadable", "skip", "--model", _model, "--data", folder);
        var refused = SampleProgram.Run(train);
        var trained = SampleProgram.Run([.. train, "--unreadable", "skip"]);

        foreach (var run in new[] { stopped, refused })
        {
            Assert.AreEqual(1, run.ExitCode);
            StringAssert.Contains(run.ErrorLines.Single(), "cut.jpg: expected ");
            StringAssert.Contains(run.Errors, "Pass --unreadable skip to leave such images out.");
        }
        Assert.AreEqual((6, 1), ((int)evaluated.Json["images"]!, (int)evaluated.Json["unreadable"]!));
        Assert.AreEqual((0, 1), (trained.ExitCode, (int)trained.Json["unreadable"]!));
        StringAssert.Contains(trained.Output, "cut.jpg: expected ");
    }

    [TestMethod]
    [Timeout(300_000)]
    public void Names_that_cannot_be_composed_without_ICU_are_named_once()
    {
        var decomposed = "cafe\u0301";
        var folder = ImageSamples.FolderOf([.. Enumerable.Range(0, 6).Select(i => ($"{(i % 2 == 0 ? decomposed : "plain")}/{i}.png",
            Strip(i, withLines: i % 2 == 0)))]);
        string[] train = ["train", "--json", "--data", folder, "--image", "3x16x16", "--architecture", "resnet8", "--epochs", "1",
            "--output", Path.Combine(folder, "model.zip")];

        var usual = SampleProgram.Run([("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "0")], train);
        var invariant = SampleProgram.Run([("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1")], train);

        Assert.AreEqual((0, 0), (usual.ExitCode, invariant.ExitCode), usual.Errors + invariant.Errors);
        Assert.DoesNotContain("combining marks", usual.Output + usual.Errors);
        var told = (invariant.Output + invariant.Errors).ReplaceLineEndings(" ");
        Assert.HasCount(2, told.Split("combining marks"), told);
        StringAssert.Contains(told, $"'{decomposed}'");
    }

    [TestMethod]
    [Timeout(120_000)]
    [DataRow(2, "--epochs is 'two'; expected a whole number, at least 1", "train --data DATA --epochs two")]
    [DataRow(2, "--epochs is '0'; expected a whole number, at least 1", "train --data DATA --epochs 0")]
    [DataRow(2, "--learning-rate is 'fast'; expected a number above 0", "train --data DATA --learning-rate fast")]
    [DataRow(2, "--checkpoint-interval is '1e300'; expected a number above 0", "train --data DATA --checkpoint-interval 1e300")]
    [DataRow(2, "--validation-fraction is '1'; expected a number above 0 and below 1", "train --data DATA --validation-fraction 1")]
    [DataRow(2, "--device is 'gpu'; expected auto or cpu or cuda", "train --data DATA --device gpu")]
    [DataRow(2, "--unreadable is 'throw'; expected skip or stop", "evaluate --model MODEL --data DATA --unreadable throw")]
    [DataRow(2, "--image is '3x0x3'; expected CHANNELSxHEIGHTxWIDTH", "train --data DATA --image 3x0x3")]
    [DataRow(2, "--architecture is 'resnet21': 'resnet21' names no architecture", "summary --architecture resnet21")]
    [DataRow(2, "Nothing to train on: expected the PATH of a folder", "train")]
    [DataRow(2, "Two things to train on: expected PATH or --data", "train DATA --data DATA")]
    [DataRow(2, "--augment is 'crop=4,spin', of which 'spin' is not known", "train DATA --augment crop=4,spin")]
    [DataRow(2, "--geometry is 'stretch'; expected fill or crop or pad", "train DATA --geometry stretch")]
    [DataRow(2, "--stage is 'tail'; expected head or all", "train DATA --stage tail")]
    [DataRow(2, "'epoch' is no option of 'train'. Did you mean 'epochs'?", "train DATA --config CONFIG")]
    [DataRow(2, "No image: expected MODEL IMAGE", "predict MODEL")]
    [DataRow(1, "found one class: 'a'", "train ONECLASS --output FOLDER/a.zip")]
    [DataRow(1, "found 1 picture of 1 class that training lacks: 'c'. Add training pictures of them, or pass --unknown-classes skip",
        "train PARTS --output FOLDER/a.zip")]
    [DataRow(1, "Pass --unreadable skip to leave such images out", "train UNREADABLE --unreadable stop --output FOLDER/a.zip")]
    [DataRow(1, "found 2 files of which none can be read; the first is ", "train NOPICTURES --output FOLDER/a.zip")]
    [DataRow(1, "the channels of --image is 2; expected 1 or 3", "train --data DATA --image 2x8x8")]
    [DataRow(1, "--freeze is 1, but --from is unset", "train --data DATA --freeze 1 --image 3x8x8 --output FOLDER/a.zip")]
    [DataRow(1, "--resume is set, but --checkpoints is not", "train --data DATA --resume --image 3x8x8 --output FOLDER/a.zip")]
    [DataRow(1, "is a folder; expected the name of a file to write", "train --data DATA --output FOLDER")]
    [DataRow(1, "--output and --history are the same file", "train --data DATA --output FOLDER/same --history FOLDER/same")]
    [DataRow(1, "--model and --onnx are the same file", "export --model MODEL --onnx MODEL")]
    [DataRow(1, "Write #FOLDER behind the path", "train --data NESTED --image 3x8x8")]
    [DataRow(1, "unpack it (tar -xzf) and name the folder", "train --data PHOTOS.tar.gz --image 3x8x8")]
    [DataRow(1, "--mean has 3 values and --deviation 3; expected one",
        "import --weights MODEL --architecture d2l-resnet18-1channel --classes cifar10 --output FOLDER/a.zip")]
    public void An_error_is_one_line_that_speaks_of_options(int exitCode, string expected, string line)
    {
        var folder = ImageSamples.FolderOf(("nested-in/x/a/1.png", Strip(1, withLines: true)),
            ("nested-in/x/b/2.png", Strip(2, withLines: true)),
            ("one/a/1.png", Jpeg()), ("options.json", "{ \"epoch\": 5 }"u8.ToArray()), ("parts/train/a/1.png", Jpeg()),
            ("parts/train/b/1.png", Jpeg()), ("parts/val/a/1.png", Jpeg()), ("parts/val/c/1.png", Jpeg()),
            ("bad/a/1.png", Jpeg()), ("bad/b/1.png", Jpeg()[..^200]), ("none/a/1.png", [1]), ("none/b/1.png", [2]),
            ("photos.tar.gz", ImageSamples.TarGz(("photos/a/1.png", Strip(1, withLines: true)), ("photos/b/2.png", Jpeg()))));
        var run = SampleProgram.Run(line.Replace("DATA", _pictures, StringComparison.Ordinal)
            .Replace("MODEL", _model, StringComparison.Ordinal)
            .Replace("NESTED", Path.Combine(folder, "nested-in"), StringComparison.Ordinal)
            .Replace("ONECLASS", Path.Combine(folder, "one"), StringComparison.Ordinal)
            .Replace("CONFIG", Path.Combine(folder, "options.json"), StringComparison.Ordinal)
            .Replace("PARTS", Path.Combine(folder, "parts"), StringComparison.Ordinal)
            .Replace("NOPICTURES", Path.Combine(folder, "none"), StringComparison.Ordinal)
            .Replace("UNREADABLE", Path.Combine(folder, "bad"), StringComparison.Ordinal)
            .Replace("PHOTOS", Path.Combine(folder, "photos"), StringComparison.Ordinal)
            .Replace("FOLDER", folder, StringComparison.Ordinal).Split(' '));

        Assert.AreEqual(exitCode, run.ExitCode, run.Errors);
        StringAssert.Contains(run.ErrorLines.Single(), expected);
        var members = MemberName().Matches(run.Errors.Replace(TestAssembly.TemporaryFolder, "", StringComparison.Ordinal))
            .Select(match => match.Value).Except(["ImageNet", "PyTorch", "TorchSharp", "WebP"]);
        Assert.AreEqual("", string.Join(' ', members), run.Errors);
        Assert.IsGreaterThan(0L, new FileInfo(_model).Length);
    }

    [TestMethod]
    [Timeout(300_000)]
    public void One_command_learns_small_pictures_and_leaves_a_run()
    {
        var data = ImageSamples.FolderOf([.. Enumerable.Range(0, 40).Select(i => ($"{(i % 2 == 0 ? "lines" : "plain")}/{i:d2}.png",
            Small(i, withLines: i % 2 == 0))), ("plain/none.png", [1]), ("plain/cut.png", Small(1, withLines: false)[..^200])]);
        var folder = ImageSamples.NewFolder();

        var first = SampleProgram.RunIn(folder, "train", data, "--epochs", "2", "--json");
        var run = (string)first.Json["run"]!;
        var second = SampleProgram.RunIn(folder, "train", "--config", Path.Combine(run, "options.json"), "--run", "again", "--epochs", "1",
            "--json");
        var predicted = SampleProgram.RunIn(folder, "predict", Path.Combine(run, "model.zip"), data, "--top", "1", "--output", "out.csv");
        var evaluated = SampleProgram.RunIn(folder, "evaluate", "--model", Path.Combine(run, "model.zip"), "--data", data, "--unreadable",
            "skip", "--json");

        Assert.AreEqual(0, first.ExitCode, first.Errors);
        Assert.AreEqual(2, (int)first.Json["unreadable"]!);
        Assert.IsInRange(0, 1, (double)first.Json["microAccuracy"]!);
        StringAssert.Contains(first.Output, "cifar-20 from scratch, for small pictures of 3x16x20");
        StringAssert.Contains(first.Output, "plain/cut.png: expected ");
        Assert.HasCount(3, File.ReadAllLines(Path.Combine(run, "history.csv")));
        Assert.AreEqual(0, second.ExitCode, second.Errors);
        Assert.AreEqual(Path.Combine(folder, "runs", "again"), (string?)second.Json["run"]);
        Assert.HasCount(2, File.ReadAllLines(Path.Combine(folder, "runs", "again", "history.csv")));
        Assert.AreEqual(0, predicted.ExitCode, predicted.Errors);
        var rows = File.ReadAllLines(Path.Combine(folder, "out.csv")).Skip(1).Select(row => row.Split(',')).ToList();
        Assert.HasCount(40, rows);
        var right = rows.Count(row => Path.GetFileName(Path.GetDirectoryName(row[0])) == row[1]);
        Assert.AreEqual(right / 40.0, (double)evaluated.Json["microAccuracy"]!, 1e-9);
    }

    [TestMethod]
    [Timeout(120_000)]
    public void More_epochs_than_the_checkpoints_know_are_started_from_the_model()
    {
        var folder = ImageSamples.NewFolder();
        string[] train = ["train", "--data", _pictures, "--image", "3x16x16", "--architecture", "cifar-8", "--batch-size", "4", "--output",
            Path.Combine(folder, "model.zip"), "--checkpoints", Path.Combine(folder, "checkpoints"), "--epochs"];

        Assert.AreEqual(0, SampleProgram.Run([.. train, "1"]).ExitCode);
        var again = SampleProgram.Run([.. train, "1"]);
        var more = SampleProgram.Run([.. train, "2", "--resume"]);

        StringAssert.Contains(again.ErrorLines.Single(), "--checkpoints holds checkpoints of an earlier training. Pass --resume");
        StringAssert.Contains(more.ErrorLines.Single(), "--epochs is 2, in the checkpoint 1");
        StringAssert.Contains(more.Errors, "--from FILE");
    }

    [TestMethod]
    [Timeout(120_000)]
    public void A_folder_for_temporary_files_that_is_not_there_is_not_a_damaged_model()
    {
        var missing = Path.Combine(ImageSamples.NewFolder(), "missing");
        var run = SampleProgram.Run([("TMPDIR", missing), ("TMP", missing), ("TEMP", missing)], "evaluate", "--model", _model, "--data",
            _pictures);

        Assert.DoesNotContain("damaged", run.Errors);
    }

    [TestMethod]
    [Timeout(120_000)]
    [DataRow("cifar-20", "3x32x32")]
    [DataRow("resnet18", "3x224x224")]
    [DataRow("d2l-resnet18-1channel", "1x224x224")]
    public void Summary_takes_the_images_that_a_network_is_usually_given(string architecture, string shape)
        => StringAssert.Contains(SampleProgram.Run("summary", "--architecture", architecture).Output,
            $"for images of {shape} and 10 classes");

    private static byte[] Strip(int seed, bool withLines)
    {
        var random = new Random(seed);
        return ImageSamples.Encode(400, 50, (_, y) =>
        {
            var grey = (byte)(random.Next(80, 176) + (withLines && y / 6 % 2 == 0 ? 50 : 0));
            return new SKColor(grey, grey, grey);
        });
    }

    private static byte[] Small(int seed, bool withLines)
    {
        var random = new Random(seed);
        return ImageSamples.Encode(20, 16, (_, y) =>
        {
            var grey = (byte)(random.Next(80, 120) + (withLines && y / 3 % 2 == 0 ? 90 : 0));
            return new SKColor(grey, grey, grey);
        });
    }

    private static byte[] Jpeg() => ImageSamples.Encode(64, 64, (x, y) => new SKColor((byte)(4 * x), (byte)(4 * y), (byte)(x * y)),
        SKEncodedImageFormat.Jpeg);

    // A named pipe, where the system has them: reading one would wait for ever.
    private static string[] Pipe(string folder)
    {
        var path = Path.Combine(folder, "pipe.png");
        if (OperatingSystem.IsWindows())
            return [];
        using var made = Process.Start("mkfifo", path);
        made.WaitForExit();
        return [path];
    }

    [GeneratedRegex(@"\b[A-Z][a-z]+[A-Z]\w*|\bNullable\b|`")]
    private static partial Regex MemberName();

    private sealed class EncodedRow
    {
        public byte[] Features { get; set; } = [];

        public string Label { get; set; } = "";
    }

    private sealed class NamedRow
    {
        public string PredictedLabel { get; set; } = "";

        public float[] Score { get; set; } = [];
    }
}
