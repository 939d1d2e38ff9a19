using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using Mono.Cecil;

namespace FriendAccess;

/// <summary>
/// Writes a reference copy of each assembly in which <c>internal</c> reads <c>public</c> and <c>private protected</c> reads
/// <c>protected</c>. Only the compiler sees the copies: at run time the original assembly is loaded, and the runtime grants
/// access because ours declares <c>[assembly: IgnoresAccessChecksTo]</c>.
/// </summary>
public sealed class ExposeInternals : Task
{
    /// <summary>The assemblies to read.</summary>
    [Required]
    public ITaskItem[] Assemblies { get; set; } = [];

    /// <summary>The copies to write, one for each of <see cref="Assemblies"/>.</summary>
    [Required]
    public ITaskItem[] Copies { get; set; } = [];

    /// <inheritdoc/>
    public override bool Execute()
    {
        foreach (var (source, copy) in Assemblies.Zip(Copies, (source, copy) => (source.ItemSpec, copy.ItemSpec)))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            using var resolver = new DefaultAssemblyResolver();
            resolver.AddSearchDirectory(Path.GetDirectoryName(source));
            using var assembly = AssemblyDefinition.ReadAssembly(source, new ReaderParameters { AssemblyResolver = resolver });
            foreach (var type in assembly.MainModule.GetTypes())
                Expose(type);
            assembly.Write(copy);
            Log.LogMessage(MessageImportance.Low, "Exposed the internals of {0} in {1}", source, copy);
        }
        return !Log.HasLoggedErrors;
    }

    private static void Expose(TypeDefinition type)
    {
        if (type.IsNotPublic)
            type.IsPublic = true;
        else if (type.IsNestedAssembly || type.IsNestedFamilyOrAssembly)
            type.IsNestedPublic = true;
        else if (type.IsNestedFamilyAndAssembly)
            type.IsNestedFamily = true;

        foreach (var method in type.Methods)
        {
            if (method.IsAssembly || method.IsFamilyOrAssembly && !method.IsVirtual)
                method.IsPublic = true;
            else if (method.IsFamilyAndAssembly)
                method.IsFamily = true;
        }

        // A field-like event's backing field shares the event's name; made public, it would be ambiguous with it.
        foreach (var field in type.Fields.Where(field => type.Events.All(e => e.Name != field.Name)))
        {
            if (field.IsAssembly || field.IsFamilyOrAssembly)
                field.IsPublic = true;
            else if (field.IsFamilyAndAssembly)
                field.IsFamily = true;
        }
    }
}
