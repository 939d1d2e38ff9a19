using System.CommandLine;
using Microsoft.ML.ResNet;
using Samples.CommandLine;

namespace Samples.Verbs;

/// <content>Options that say how a picture becomes the network's input.</content>
internal static partial class Train
{
    private static readonly Option<ImageGeometry?> Geometry = new("--geometry")
    {
        Description = "How a picture of another shape becomes an image: 'fill' squeezes it, 'crop' cuts out the middle, 'pad' adds bars. "
            + "[default: crop for photos, fill for small pictures]",
        HelpName = "fill|crop|pad",
        CustomParser = Arguments.OneOf<ImageGeometry?>(("fill", ImageGeometry.Fill), ("crop", ImageGeometry.CenterCrop),
            ("pad", ImageGeometry.Pad)),
    };

    private static readonly Option<bool?> Orientation = new("--orientation")
    {
        Description = "Whether to turn pictures upright as the camera's tag says. [default: on]",
        HelpName = "on|off",
        CustomParser = Arguments.OneOf<bool?>(("on", true), ("off", false)),
    };

    private static readonly Option<ImageInterpolation?> Interpolation = new("--interpolation")
    {
        Description = "How pixels between pixels are found. [default: bilinear]",
        HelpName = string.Join('|', InterpolationWords.Select(word => word.Word)),
        CustomParser = Arguments.OneOf(InterpolationWords),
    };

    private static (string Word, ImageInterpolation? Meaning)[] InterpolationWords
        => [.. Enum.GetValues<ImageInterpolation>().Select(value => ($"{value}".ToLowerInvariant(), (ImageInterpolation?)value))];

    /// <summary>What the three options say, as a change of what is usual; <see langword="null"/> where none is given.</summary>
    private static Func<ImageGeometry, ImageGeometry>? GeometryOf(ParseResult options)
        => options.GetResult(Geometry) is null && options.GetResult(Orientation) is null && options.GetResult(Interpolation) is null
            ? null
            : usual => (options.GetValue(Geometry) ?? usual) with
            {
                HonorOrientation = options.GetValue(Orientation) ?? usual.HonorOrientation,
                Interpolation = options.GetValue(Interpolation) ?? usual.Interpolation,
            };
}
