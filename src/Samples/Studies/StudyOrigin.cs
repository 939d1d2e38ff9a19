namespace Samples.Studies;

/// <summary>What makes a training of a study the same as one of before.</summary>
/// <param name="Command">The command that does it.</param>
/// <param name="Data">The fingerprint of the images.</param>
internal sealed record StudyOrigin(string Command, string Data);
