namespace Microsoft.ML.ResNet;

/// <summary>
/// Where a network looked for a class: what each place of its last feature map adds to the logit of the class (class activation map, Zhou
/// et al. 2016). Exact, because the classes are linear in the mean of that map: the mean of the values plus <see cref="Bias"/> is the
/// logit. Immutable.
/// </summary>
/// <remarks>
/// Values above 0 speak for the class and values below against it. The places are spread evenly over <see cref="Area"/>: to lay a map over
/// a picture, scale it to that part of it, smoothly. With test-time flips it is the mean over the image and its mirror image, turned back.
/// </remarks>
public sealed class ActivationMap
{
    internal ActivationMap(int classIndex, string className, int height, int width, float[] values, float bias, PictureArea area)
    {
        (ClassIndex, ClassName, Height, Width) = (classIndex, className, height, width);
        (Values, Bias, Area) = (values, bias, area);
    }

    /// <summary>The place of the class among <see cref="ResNetModelParameters.ClassNames"/>, from 0.</summary>
    public int ClassIndex { get; }

    /// <summary>The name of the class.</summary>
    public string ClassName { get; }

    /// <summary>Rows of the map; 7 for ResNet-18 and images of 224 pixels.</summary>
    public int Height { get; }

    /// <summary>Columns of the map.</summary>
    public int Width { get; }

    /// <summary>The map, row by row: <see cref="Height"/> x <see cref="Width"/> values, in logits.</summary>
    public ReadOnlyMemory<float> Values { get; }

    /// <summary>What the class has without any image, in logits.</summary>
    public float Bias { get; }

    /// <summary>The mean of the values plus <see cref="Bias"/>: the number whose exponential is in proportion to the probability.</summary>
    public float Logit => (float)(Mean + Bias);

    /// <summary>The part of the picture that the map covers.</summary>
    public PictureArea Area { get; }

    private double Mean
    {
        get
        {
            var sum = 0.0;
            foreach (var value in Values.Span)
                sum += value;
            return sum / Values.Length;
        }
    }
}
