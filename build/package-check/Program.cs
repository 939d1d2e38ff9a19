using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;

// Run with "train", then, in a process of its own, with "load": both must print the same scores. "draw FOLDER" makes pictures for others.
if (args is ["draw", var folder])
{
    Pictures.Draw(folder);
    return 0;
}
var mlContext = new MLContext(seed: 1);
var rows = mlContext.Data.LoadFromEnumerable(Row.Generate(300));
if (args is ["train"])
{
    var pipeline = mlContext.Transforms.Conversion.MapValueToKey("Label")
        .Append(mlContext.MulticlassClassification.Trainers.ResNet(architecture: ResNetArchitecture.Cifar(8), numberOfEpochs: 3))
        .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
    mlContext.Model.Save(pipeline.Fit(rows), rows.Schema, "model.zip");
}

var model = mlContext.Model.Load("model.zip", out _);
var metrics = mlContext.MulticlassClassification.Evaluate(model.Transform(rows));
using var engine = mlContext.Model.CreatePredictionEngine<Row, Prediction>(model);
var prediction = engine.Predict(Row.Generate(1)[0]);
Console.WriteLine(
    $"accuracy {metrics.MicroAccuracy:f3} log loss {metrics.LogLoss:r} predicted {prediction.PredictedLabel} scores "
    + $"{string.Join(' ', prediction.Score.Select(score => score.ToString("r")))}");
return metrics.MicroAccuracy > 0.9 ? 0 : 1;

internal sealed class Row
{
    [VectorType(3, 16, 16)]
    public byte[] Features { get; set; } = [];

    public string Label { get; set; } = "";

    // Three classes: which colour is bright.
    public static Row[] Generate(int count)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, count).Select(row => new Row
        {
            Label = ((string[])["red", "green", "blue"])[row % 3],
            Features = [.. Enumerable.Range(0, 3 * 256).Select(i => (byte)(random.Next(128) + (i / 256 == row % 3 ? 64 : 0)))],
        })];
    }
}

internal sealed class Prediction
{
    public string PredictedLabel { get; set; } = "";

    public float[] Score { get; set; } = [];
}
