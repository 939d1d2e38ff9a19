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
