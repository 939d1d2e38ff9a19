namespace Microsoft.ML.ResNet;

/// <content>Changes, for languages that have no <c>with</c>.</content>
public sealed partial record ResNetArchitecture
{
    /// <summary>
    /// The same plan with other values, for F# and Visual Basic: <c>ResNetArchitecture.ImageNet(18).With(stemWidth = 32)</c>, or
    /// <c>stemWidth:=32</c>. In C# <c>with { StemWidth = 32 }</c> does it too.
    /// </summary>
    /// <param name="stem"><see cref="Stem"/>.</param>
    /// <param name="stemWidth"><see cref="StemWidth"/>.</param>
    /// <param name="block"><see cref="Block"/>.</param>
    /// <param name="shortcut"><see cref="Shortcut"/>.</param>
    /// <param name="stages"><see cref="Stages"/>.</param>
    /// <param name="convolutionBias"><see cref="ConvolutionBias"/>.</param>
    /// <param name="naming"><see cref="Naming"/>.</param>
    /// <returns>A new plan. Whatever is left out, or null, is as it is here.</returns>
    /// <remarks>The ranges are those of the properties; whoever makes a network of the plan checks them.</remarks>
    public ResNetArchitecture With(
        ResNetStem? stem = null,
        int? stemWidth = null,
        ResNetBlock? block = null,
        ResNetShortcut? shortcut = null,
        IReadOnlyList<ResNetStage>? stages = null,
        bool? convolutionBias = null,
        ResNetNaming? naming = null)
        => this with
        {
            Stem = stem ?? Stem,
            StemWidth = stemWidth ?? StemWidth,
            Block = block ?? Block,
            Shortcut = shortcut ?? Shortcut,
            Stages = stages ?? Stages,
            ConvolutionBias = convolutionBias ?? ConvolutionBias,
            Naming = naming ?? Naming,
        };
}
