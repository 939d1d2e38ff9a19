using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;

// The least that needs libtorch: one epoch on a handful of images.
public static class Tiny
{
    public static string Train()
    {
        var mlContext = new MLContext(seed: 1);
        var rows = mlContext.Data.LoadFromEnumerable(Enumerable.Range(0, 16).Select(i => new Image
        {
            Features = [.. Enumerable.Repeat((byte)(i % 2 * 200), 3 * 8 * 8)],
            Label = i % 2 == 0 ? "dark" : "light",
        }));
        var keyed = mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(rows).Transform(rows);
        using var network = mlContext.MulticlassClassification.Trainers
            .ResNet(architecture: ResNetArchitecture.Cifar(8), numberOfEpochs: 1).Fit(keyed);
        return $"trained {network.Model.ParameterCount} parameters";
    }

    private sealed class Image
    {
        [VectorType(3, 8, 8)]
        public byte[] Features { get; set; } = [];

        public string Label { get; set; } = "";
    }
}
