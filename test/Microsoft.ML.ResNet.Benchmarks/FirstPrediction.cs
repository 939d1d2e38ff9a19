using System.CommandLine;
using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet;

/// <summary>
/// From a model file to the first prediction, in a process that has done nothing before: ours, and ONNX Runtime on the file that
/// <c>SaveOnnx</c> writes.
/// </summary>
internal static class FirstPrediction
{
    /// <summary><c>bench model FILE</c> writes an untrained model, as FILE and FILE.onnx.</summary>
    public static Command ModelVerb(Option<string> architecture)
    {
        var file = new Argument<string>("file");
        var verb = new Command("model", "Writes a model with random weights, and as ONNX beside it.") { file, architecture };
        verb.SetAction(result =>
        {
            var mlContext = new MLContext(seed: 1);
            var rows = Image.View(mlContext, 16);
            using var model = mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = ArchitectureText.Parse(result.GetValue(architecture)!),
                Recipe = TrainingRecipe.Tutorial with { NumberOfEpochs = 1, LearningRate = 0.001 },
                Device = ComputeDevice.Cpu,
            }).Fit(rows);
            mlContext.Model.SaveResNet(model, rows.Schema, result.GetValue(file)!);
            model.SaveOnnx(result.GetValue(file) + ".onnx", new() { InputName = nameof(Image.Features) });
        });
        return verb;
    }

    /// <summary><c>bench load FILE</c> prints milliseconds from <c>Model.Load</c> to the first prediction.</summary>
    public static Command LoadVerb()
        => Verb("load", "Milliseconds from Model.Load to the first prediction; run it in a fresh process.", file =>
    {
        var mlContext = new MLContext(seed: 1);
        var model = mlContext.Model.Load(file, out _);
        using var engine = mlContext.Model.CreatePredictionEngine<Image, Scored>(model);
        engine.Predict(Image.Rows(1).First());
    });

    /// <summary><c>bench load-onnx FILE</c> prints the same of ONNX Runtime.</summary>
    public static Command LoadOnnxVerb()
        => Verb("load-onnx", "Milliseconds from an ONNX file to the first prediction with ONNX Runtime; run it in a fresh process.", file =>
    {
        using var session = new InferenceSession(file, new SessionOptions { IntraOpNumThreads = Environment.ProcessorCount });
        using var image = OrtValue.CreateTensorValueFromMemory(Image.Rows(1).First().Features, [1, 3, 32, 32]);
        using var options = new RunOptions();
        using var results = session.Run(options, [nameof(Image.Features)], [image], ["probabilities"]);
    });

    private static Command Verb(string name, string description, Action<string> load)
    {
        var file = new Argument<string>("file");
        var verb = new Command(name, description) { file };
        verb.SetAction(result =>
        {
            var clock = Stopwatch.StartNew();
            load(result.GetValue(file)!);
            Console.WriteLine(FormattableString.Invariant($"{clock.Elapsed.TotalMilliseconds:f1}"));
        });
        return verb;
    }
}
