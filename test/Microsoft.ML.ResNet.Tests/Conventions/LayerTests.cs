using Mono.Cecil;

namespace Microsoft.ML.ResNet.Tests.Conventions;

/// <summary>Which folder of the library may use which. The list is complete; docs/architecture.md draws it.</summary>
[TestClass]
public class LayerTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Reporting"] = ["Foundation"],
        ["Training"] = ["Network", "Kernels", "Augmentation", "Images", "Tensors", "Foundation"],
        ["Scoring"] = ["Network", "Kernels", "Images", "Tensors", "Foundation"],
        ["Persistence"] = ["Network", "Images", "Tensors", "Foundation"],
        ["Interop"] = ["Network", "Images", "Tensors", "Foundation"],
        ["Augmentation"] = ["Images", "Foundation"],
        ["Network"] = ["Kernels", "Images", "Tensors", "Foundation"],
        ["Images"] = ["Foundation"],
        ["Kernels"] = [],
        ["Tensors"] = [],
        ["Foundation"] = [],
    };

    private static readonly string[] Excused =
    [
        "Scoring -> Root (BatchScorer uses ResNetTransformer)", // the name alone: ObjectDisposedException names what the user disposed
    ];

    private static readonly string[] KnowMLNetsInternals = ["Root", "Scoring"];

    [TestMethod]
    public void No_folder_uses_one_above_or_beside_it()
    {
        using var library = new LibraryAssembly();
        var wrong = from type in library.Types
                    let folder = library.FolderOf(type)!
                    where folder is not ("Root" or "Generated")
                    from use in LibraryAssembly.Uses(type).OfType<TypeReference>()
                    where use.Scope == library.Assembly.MainModule
                    let used = library.FolderOf(use.Resolve())
                    where used is not (null or "Generated") && used != folder && !Allowed.GetValueOrDefault(folder, []).Contains(used)
                    select $"{folder} -> {used} ({type.Name} uses {use.Name})";

        AssertNone(wrong.Except(Excused));
    }

    [TestMethod]
    public void Every_folder_is_on_the_list()
    {
        using var library = new LibraryAssembly();
        var folders = library.Types.Select(type => library.FolderOf(type)!).Distinct().Except(["Root", "Generated"]).Order().ToArray();

        CollectionAssert.AreEqual(Allowed.Keys.Order().ToArray(), folders);
    }

    [TestMethod]
    public void Only_the_root_and_scoring_know_the_internals_of_ML_NET()
    {
        using var library = new LibraryAssembly();
        var wrong = from type in library.Types
                    where !KnowMLNetsInternals.Contains(library.FolderOf(type))
                    from use in LibraryAssembly.Uses(type)
                    where IsMLNet(use) && !IsPublic(use)
                    select $"{library.FolderOf(type)} ({type.Name} uses {use.FullName})";

        AssertNone(wrong);
    }

    private static void AssertNone(IEnumerable<string> wrong)
    {
        var all = wrong.Distinct().Order().ToList();
        Assert.IsEmpty(all, string.Join(Environment.NewLine, all));
    }

    private static bool IsMLNet(MemberReference member)
        => (member as TypeReference ?? member.DeclaringType).Scope?.Name is { } scope && scope.StartsWith("Microsoft.ML.", StringComparison.Ordinal) && !scope.StartsWith("Microsoft.ML.ResNet", StringComparison.Ordinal);

    private static bool IsPublic(MemberReference member) => member switch
    {
        TypeReference type => IsPublic(type.Resolve()),
        MethodReference method => method.Resolve() is { } found && (found.IsPublic || found.IsFamily || found.IsFamilyOrAssembly),
        FieldReference field => field.Resolve() is { } found && (found.IsPublic || found.IsFamily || found.IsFamilyOrAssembly),
        _ => true,
    };

    private static bool IsPublic(TypeDefinition? type)
        => type is not null && (type.IsPublic || (type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamilyOrAssembly) && IsPublic(type.DeclaringType));
}
