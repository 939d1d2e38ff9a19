using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet;

/// <summary>
/// Our scoring against ONNX Runtime on the file that <c>SaveOnnx</c> writes: in one process, in turns, with as many threads.
/// </summary>
internal sealed class OnnxComparison : IDisposable
{
    private const int WarmUpRounds = 4; // the run-time compiles twice, and then once more with what it saw

    private readonly MLContext _mlContext = new(seed: 1);
    private readonly ResNetTransformer _model;
    private readonly string _file = Path.GetTempFileName();
    private readonly int _threads;
    private readonly int _size;

    private OnnxComparison(ResNetArchitecture architecture, int threads, int size)
    {
        (_threads, _size) = (threads, size);
        _model = _mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = architecture,
            Recipe = TrainingRecipe.Tutorial with { NumberOfEpochs = 1, BatchSize = 16, LearningRate = 0.001 },
            Device = ComputeDevice.Cpu,
        }).Fit(Image.View(_mlContext, 16, size));
        _model.SaveOnnx(_file, new() { InputName = nameof(Image.Features) });
    }

    /// <summary>The verb: a table with a line for each way to score, medians over the rounds.</summary>
    public static Command Verb()
    {
        var architecture = new Option<string>("--architecture") { DefaultValueFactory = _ => "cifar-20" };
        var rounds = new Option<int>("--rounds") { DefaultValueFactory = _ => 5 };
        var threads = new Option<int>("--threads") { DefaultValueFactory = _ => Environment.ProcessorCount };
        var noDirect = new Option<bool>("--no-direct-scoring") { Description = "Ours with libtorch." };
        var size = new Option<int>("--size") { Description = "Rows and columns of the images.", DefaultValueFactory = _ => 32 };
        var count = new Option<int>("--images") { Description = "A multiple of the batch.", DefaultValueFactory = _ => 512 };
        var batch = new Option<int>("--batch-size") { Description = "Of ONNX Runtime.", DefaultValueFactory = _ => 128 };
        var verb = new Command("ort", "Our scoring against ONNX Runtime's, in turns.") { architecture, rounds, threads, noDirect, size,
            count, batch };
        verb.SetAction(parsed =>
        {
            ResNetRuntime.Configure(
                new ResNetRuntimeOptions
                {
                    Threads = parsed.GetValue(threads),
                    Numerics = new() { CpuKernelsForScoring = !parsed.GetValue(noDirect) },
                });
            using var comparison = new OnnxComparison(ResNetArchitecture.Parse(parsed.GetValue(architecture)!), parsed.GetValue(threads),
                parsed.GetValue(size));
            comparison.Compare(parsed.GetValue(architecture)!, parsed.GetValue(rounds), parsed.GetValue(count), parsed.GetValue(batch));
        });
        return verb;
    }

    public void Dispose()
    {
        _model.Dispose();
        File.Delete(_file);
    }

    private void Compare(string name, int rounds, int count, int batch)
    {
        var images = Image.Rows(count, _size).ToList();
        var view = _mlContext.Data.LoadFromEnumerable(images, Image.Schema(_size));
        using var engine = _mlContext.Model.CreatePredictionEngine<Image, Scored>(_model,
            new PredictionEngineOptions { OwnsTransformer = false, InputSchemaDefinition = Image.Schema(_size) });
        using var sleeping = Session(spinning: false);
        using var spinning = Session(spinning: true);
        var onnxModel = _mlContext.Transforms.ApplyOnnxModel("probabilities", nameof(Image.Features), _file).Fit(view);

        Print(name, $"batches of {batch}, images/s", rounds, images.Count / 1000.0, higherIsBetter: true,
            ("Transform", () => Count(_model.Transform(view), "Score")),
            ("ORT", () => RunBatches(sleeping, images, batch)),
            ("ORT, spinning", () => RunBatches(spinning, images, batch)),
            ("ApplyOnnxModel", () => Count(onnxModel.Transform(view), "probabilities")));
        Print(name, "one image, ms", rounds, 1.0 / images.Count, higherIsBetter: false,
            ("PredictionEngine", () => images.ForEach(image => engine.Predict(image))),
            ("ORT", () => RunBatches(sleeping, images, 1)),
            ("ORT, spinning", () => RunBatches(spinning, images, 1)));
    }

    private static void Print(string name, string what, int rounds, double unit, bool higherIsBetter,
        params (string Name, Action Run)[] ways)
    {
        var times = ways.Select(_ => new List<(double Wall, double Processor)>()).ToArray();
        for (var round = -WarmUpRounds; round < rounds; round++)
            for (var way = 0; way < ways.Length; way++)
            {
                Thread.Sleep(200); // ONNX Runtime's threads spin on for a while after their work, at the cost of who comes next
                var (clock, processor) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
                ways[way].Run();
                if (round >= 0)
                    times[way].Add((clock.Elapsed.TotalMilliseconds, (Environment.CpuUsage.TotalTime - processor).TotalMilliseconds));
            }
        for (var way = 0; way < ways.Length; way++)
        {
            var (median, ours) =
                (Statistics.Median(times[way].Select(time => time.Wall)), Statistics.Median(times[0].Select(time => time.Wall)));
            var (work, ourWork) = (times[way].Min(time => time.Processor), times[0].Min(time => time.Processor));
            var shown = higherIsBetter ? unit / median * 1e6 : median * unit;
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture,
                $"{name,-24} {what,-26} {ways[way].Name,-18} {shown,10:f3}   ours is {median / ours:f2} times as fast; processor time "
                + $"{work / ourWork:f2} (ours {ourWork:f0} ms)"));
        }
    }

    private static void Count(IDataView scored, string column) => _ = scored.GetColumn<VBuffer<float>>(column).Count();

    private void RunBatches(InferenceSession session, List<Image> images, int size)
    {
        using var options = new RunOptions();
        for (var first = 0; first < images.Count; first += size)
        {
            var pixels = new byte[size * 3 * _size * _size];
            for (var i = 0; i < size; i++)
                images[first + i].Features.CopyTo(pixels, i * 3 * _size * _size);
            using var batch = OrtValue.CreateTensorValueFromMemory(pixels, [size, 3, _size, _size]);
            using var results = session.Run(options, [nameof(Image.Features)], [batch], ["probabilities"]);
        }
    }

    private InferenceSession Session(bool spinning)
    {
        var options = new SessionOptions { IntraOpNumThreads = _threads };
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", spinning ? "1" : "0");
        return new InferenceSession(_file, options);
    }
}
