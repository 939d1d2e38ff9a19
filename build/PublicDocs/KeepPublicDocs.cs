using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Xml.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using Mono.Cecil;
using Mono.Cecil.Rocks;

namespace PublicDocs;

/// <summary>
/// Removes from a documentation file what its assembly does not show to others. The compiler writes down every member that has a comment;
/// IntelliSense would offer the words, and object browsers the names, of what nobody can call.
/// </summary>
public sealed class KeepPublicDocs : Task
{
    /// <summary>The assembly.</summary>
    [Required]
    public string Assembly { get; set; } = "";

    /// <summary>Its documentation file, which is rewritten.</summary>
    [Required]
    public string Documentation { get; set; } = "";

    /// <inheritdoc/>
    public override bool Execute()
    {
        using var assembly = AssemblyDefinition.ReadAssembly(Assembly);
        var visible = new HashSet<string>(assembly.MainModule.GetTypes().Where(IsVisible)
            .SelectMany(type => MembersOf(type).Prepend(type)).Select(DocCommentId.GetDocCommentId), StringComparer.Ordinal);
        var document = XDocument.Load(Documentation, LoadOptions.PreserveWhitespace);
        var hidden = document.Descendants("member").Where(member => !visible.Contains((string)member.Attribute("name"))).ToList();
        foreach (var member in hidden)
        {
            (member.PreviousNode as XText)?.Remove(); // its line break and indentation
            member.Remove();
        }
        if (hidden.Count > 0)
            File.WriteAllText(Documentation, document.Declaration + Environment.NewLine + document.ToString(SaveOptions.DisableFormatting));
        return !Log.HasLoggedErrors;
    }

    private static bool IsVisible(TypeDefinition type) => type.IsNested
        ? (type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamilyOrAssembly) && IsVisible(type.DeclaringType)
        : type.IsPublic;

    private static IEnumerable<IMemberDefinition> MembersOf(TypeDefinition type)
        => type.Methods.Where(IsVisible)
            .Concat<IMemberDefinition>(type.Fields.Where(field
                => field.IsPublic || (field.IsFamily || field.IsFamilyOrAssembly) && !type.IsSealed))
            .Concat(type.Properties.Where(property => IsVisible(property.GetMethod) || IsVisible(property.SetMethod)))
            .Concat(type.Events.Where(happening => IsVisible(happening.AddMethod)));

    // Nobody derives from a sealed class.
    private static bool IsVisible(MethodDefinition? method)
        => method is { IsPublic: true } or { IsFamily: true, DeclaringType.IsSealed: false }
            or { IsFamilyOrAssembly: true, DeclaringType.IsSealed: false };
}
