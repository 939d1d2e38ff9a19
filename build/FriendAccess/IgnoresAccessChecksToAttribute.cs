namespace System.Runtime.CompilerServices;

/// <summary>
/// Tells the runtime that this assembly may use the internals of another. The runtime knows the attribute by its full name
/// alone, so every assembly brings its own.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
{
    /// <summary>The simple name of the assembly whose internals are used.</summary>
    public string AssemblyName { get; } = assemblyName;
}
