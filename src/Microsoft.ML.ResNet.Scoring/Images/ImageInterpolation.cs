namespace Microsoft.ML.ResNet;

/// <summary>The filter that resizes pictures; both widen with the reduction, so that every pixel counts (antialiasing).</summary>
public enum ImageInterpolation
{
    /// <summary>A triangle: what Pillow calls <c>BILINEAR</c> and torchvision uses by default.</summary>
    Bilinear,

    /// <summary>A cubic (Keys 1981, a = -0.5): what Pillow calls <c>BICUBIC</c>, sharper, as many networks of timm expect it.</summary>
    Bicubic,
}
