namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <content>The shortcut without weights: every stride-th pixel, between channels of zeros, as many before as behind.</content>
internal static unsafe partial class ChannelKernels
{
    /// <summary>Takes every stride-th pixel of a row, and puts its channels between zeros.</summary>
    /// <param name="row">The row; read up to the last pixel that is taken.</param>
    /// <param name="pixels">Pixels to take.</param>
    /// <param name="stride">Step, in pixels.</param>
    /// <param name="channels">Channels of the row.</param>
    /// <param name="outputs">Channels of a pixel that goes out; no fewer.</param>
    /// <param name="target">Receives the pixels.</param>
    public static void PadChannels(float* row, int pixels, int stride, int channels, int outputs, float* target)
    {
        var before = (outputs - channels) / 2;
        for (var pixel = 0; pixel < pixels; pixel++, row += (nint)stride * channels, target += outputs)
        {
            NativeBuffer.Clear(target, before);
            NativeBuffer.Copy(row, target + before, channels);
            NativeBuffer.Clear(target + before + channels, outputs - before - channels);
        }
    }

    /// <summary>The gradient of <see cref="PadChannels"/>, which is added to what the row has.</summary>
    /// <param name="gradient">That of the pixels that went out.</param>
    /// <param name="pixels">How many they are.</param>
    /// <param name="stride">Step, in pixels.</param>
    /// <param name="channels">Channels of the row; a multiple of 16.</param>
    /// <param name="outputs">Channels of a pixel that went out; no fewer.</param>
    /// <param name="row">The row's gradient.</param>
    public static void AddUnpaddedChannels(float* gradient, int pixels, int stride, int channels, int outputs, float* row)
    {
        for (var pixel = 0; pixel < pixels; pixel++, row += (nint)stride * channels, gradient += outputs)
            Add(gradient + (outputs - channels) / 2, channels, row);
    }
}
