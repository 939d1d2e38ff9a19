namespace Microsoft.ML.ResNet.Images.Columns;

/// <summary>How the pixels of one image lie in a vector.</summary>
/// <param name="Shape">Channels, height and width.</param>
/// <param name="Interleaved">Whether the channels of a pixel lie side by side.</param>
/// <param name="ReversesChannels">Whether blue comes first.</param>
internal readonly record struct PixelFormat(ImageShape Shape, bool Interleaved, bool ReversesChannels)
{
    /// <summary>Whether the vector is already what the network takes.</summary>
    public bool IsPlanarRgb => !Interleaved && !ReversesChannels;

    /// <summary>The place of a channel's first value, and the step to its next.</summary>
    public (int First, int Step) Channel(int channel)
    {
        var source = ReversesChannels && channel < 3 ? 2 - channel : channel;
        return Interleaved ? (source, Shape.Channels) : (source * Shape.PlaneSize, 1);
    }
}
