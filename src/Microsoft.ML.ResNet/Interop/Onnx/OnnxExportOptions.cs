using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Microsoft.ML.ResNet;

/// <summary>How a network is written as an ONNX file.</summary>
public sealed record OnnxExportOptions
{
    /// <summary>What one pixel of the input is. Default: <see cref="OnnxInput.UInt8"/>.</summary>
    public OnnxInput Input { get; init; } = OnnxInput.UInt8;

    /// <summary>
    /// The name of the input. Default: <c>image</c>. Any text that names no other value of the graph, such as <c>probabilities</c> or
    /// <c>conv1</c>.
    /// </summary>
    public string InputName { get; init; } = "image";

    /// <summary>Checks what can be checked without a network.</summary>
    /// <exception cref="ArgumentException">An option is none of the values that it can have.</exception>
    internal void Check()
    {
        if (Input is not (OnnxInput.UInt8 or OnnxInput.Float32))
            throw new ArgumentOutOfRangeException(nameof(Input), Input,
                $"Not an input. Expected {OnnxInput.UInt8} or {OnnxInput.Float32}.");
        if (string.IsNullOrEmpty(InputName))
            throw new ArgumentException("The name is empty. Give the input a name, such as 'image'.", nameof(InputName));
        if (InputName.EnumerateRunes().Contains(Rune.ReplacementChar)) // which stands for what UTF-8 cannot write
            throw new ArgumentException(
                "The name has half a character: a surrogate without its other half. Give the input a name, such as 'image'.",
                nameof(InputName));
    }
}

/// <summary>
/// What one pixel of an ONNX file's input is. Both kinds take values from 0 (black) to 255 (full); the file normalises them itself.
/// </summary>
[SuppressMessage("Naming", "CA1720", Justification = "The types are what the choice is about.")]
public enum OnnxInput
{
    /// <summary>A byte: pixels as they come from a decoder, and a quarter of the memory.</summary>
    UInt8,

    /// <summary>A float, still from 0 to 255: for callers whose images went through arithmetic, such as resizing.</summary>
    Float32,
}
