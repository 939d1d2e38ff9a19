namespace Microsoft.ML.ResNet.Images.Columns;

/// <summary>What the caller says about images where the column's type does not tell. Everything may stay unset.</summary>
/// <param name="Height">Rows, in pixels.</param>
/// <param name="Width">Columns, in pixels.</param>
/// <param name="Channels">Colour planes, 1 to 4.</param>
/// <param name="Layout">Where the channels of a pixel lie.</param>
/// <param name="Order">Which channel comes first.</param>
/// <param name="Range">The values of black and full pixels in vectors of numbers.</param>
internal sealed record ImageColumnOptions(int? Height = null, int? Width = null, int? Channels = null,
    PixelLayout Layout = PixelLayout.Auto, ChannelOrder Order = ChannelOrder.Rgb,
    PixelRange? Range = null)
{
    /// <summary>The shape, when the options tell all of it.</summary>
    public ImageShape? Shape => Height is { } height && Width is { } width && Channels is { } channels
        ? new(channels, height, width)
        : null;
}
