namespace Microsoft.ML.ResNet;

/// <summary>Why a picture has no classes.</summary>
public enum ImageProblemKind
{
    /// <summary>It has some.</summary>
    None,

    /// <summary>There is no such file, or it cannot be opened or read.</summary>
    NoFile,

    /// <summary>There are no bytes.</summary>
    Empty,

    /// <summary>The bytes are no image, or one in a format that cannot be decoded.</summary>
    UnknownFormat,

    /// <summary>There are more bytes than <see cref="ImageClassifierOptions.MaximumBytes"/>.</summary>
    TooManyBytes,

    /// <summary>The picture has more pixels than <see cref="ImageClassifierOptions.MaximumPixels"/>, or claims to have.</summary>
    TooManyPixels,

    /// <summary>The image begins well and is cut off, or broken within.</summary>
    Damaged,

    /// <summary>The picture could be read, and the network makes no numbers of it.</summary>
    NoNumbers,
}
