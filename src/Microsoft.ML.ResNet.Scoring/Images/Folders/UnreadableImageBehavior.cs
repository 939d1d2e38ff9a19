namespace Microsoft.ML.ResNet;

/// <summary>What to do with a file that should be an image but cannot be opened, read or decoded.</summary>
public enum UnreadableImageBehavior
{
    /// <summary>
    /// Stop with an <see cref="InvalidDataException"/> that names the file and the reason, or with the file system's own exception where
    /// the file cannot be opened.
    /// </summary>
    Throw,

    /// <summary>Leave the row out, and report it once to <see cref="ImageFolderOptions.UnreadableImageCallback"/>.</summary>
    Skip,
}
