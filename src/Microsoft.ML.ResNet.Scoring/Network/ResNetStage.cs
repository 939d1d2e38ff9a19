namespace Microsoft.ML.ResNet;

/// <summary>One stage of a residual network: blocks of one width, the first of which may halve the image.</summary>
public readonly record struct ResNetStage
{
    /// <summary>Makes a stage; the plan that has it checks it.</summary>
    /// <param name="width">Channels inside the blocks; a bottleneck delivers four times as many.</param>
    /// <param name="blocks">How many blocks follow one another.</param>
    /// <param name="stride">The step of the first block, in pixels: 1 keeps the image size, 2 halves it.</param>
    public ResNetStage(int width, int blocks, int stride) => (Width, Blocks, Stride) = (width, blocks, stride);

    /// <summary>Channels inside the blocks; a bottleneck delivers four times as many.</summary>
    public int Width { get; init; }

    /// <summary>How many blocks follow one another.</summary>
    public int Blocks { get; init; }

    /// <summary>The step of the first block, in pixels: 1 keeps the image size, 2 halves it.</summary>
    public int Stride { get; init; }
}
