using Microsoft.ML.Data;
using Microsoft.ML.ResNet;

namespace Samples;

/// <summary>An image as a row of ML.NET data, for images that come from the program and not from a data set.</summary>
internal sealed class ImageRow
{
    /// <summary>Bytes of channels x height x width, one colour plane after the other.</summary>
    public byte[] Features { get; set; } = [];

    /// <summary>The class; empty when that is the question.</summary>
    public string Label { get; set; } = "";

    /// <summary>
    /// How ML.NET should see this class: <see cref="Features"/> is a vector with the dimensions of the images that the network takes.
    /// </summary>
    public static SchemaDefinition SchemaFor(ResNetTransformer network)
    {
        var schema = SchemaDefinition.Create(typeof(ImageRow));
        schema[nameof(Features)].ColumnType = network.FeatureColumnType;
        return schema;
    }
}

/// <summary>An image file as a row of ML.NET data: encoded, as <c>LoadRawImageBytes</c> makes it. The model decodes it itself.</summary>
internal sealed class EncodedImage
{
    /// <summary>The bytes of the file, whatever its format and size.</summary>
    public byte[] Features { get; set; } = [];

    /// <summary>The class, which is the question: a model's first step wants the column, the network does not.</summary>
    public string Label { get; set; } = "";
}

/// <summary>The column that ML.NET's filters must name when they decide by something else.</summary>
internal sealed class LabelOnly
{
    /// <summary>The class.</summary>
    public string Label { get; set; } = "";
}

/// <summary>What a model says about an image.</summary>
internal sealed class Prediction
{
    /// <summary>The class of the highest probability.</summary>
    public string PredictedLabel { get; set; } = "";

    /// <summary>The probability of each class, in the order of <see cref="ResNetModelParameters.ClassNames"/>.</summary>
    public float[] Score { get; set; } = [];

    /// <summary>Whether there was an image to look at; without one, the probabilities are no numbers.</summary>
    public bool IsKnown => !Array.Exists(Score, float.IsNaN);
}
