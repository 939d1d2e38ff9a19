using Mono.Cecil;

namespace Microsoft.ML.ResNet.Tests.Conventions;

/// <summary>Which folder of the library may use which. The list is complete; docs/architecture.md draws it.</summary>
[TestClass]
public class LayerTests
{
    // From the top to the bottom: a folder uses only folders that stand below it here, so that there is no cycle.
    private static readonly (string Folder, string[] Uses)[] Layers =
    [
        ("Catalogs", ["Root", "Training", "Scoring", "Interop", "Persistence", "Images/Cifar", "Images/Folders", "Images/Views",
            "Network", "Images", "Tensors", "Foundation"]),
        ("Root", ["Fitting", "Training", "Scoring", "Persistence", "Interop", "Interop/Onnx", "Interop/PyTorch", "Reporting",
            "Augmentation", "Data", "Images/Columns", "Images/Views", "Network/Torch", "Network", "Images", "Tensors", "Distributed",
            "Foundation"]),
        ("Fitting", ["Training", "Scoring", "Persistence", "Interop", "Reporting", "Data", "Images/Columns", "Network/Torch",
            "Network", "Images", "Tensors", "Distributed", "Foundation"]),
        ("Training",
            ["Augmentation", "Data", "Cpu/Training", "Cpu/Inference", "Cpu/Kernels", "Network/Torch", "Network", "Images", "Tensors",
                "Distributed", "Foundation"]),
        ("Scoring",
            ["Persistence", "Cpu/Inference", "Cpu/Kernels", "Images/Columns", "Network/Torch", "Network", "Images", "Tensors",
                "Foundation"]),
        ("Interop", ["Interop/Onnx", "Interop/PyTorch", "Persistence", "Network/Torch", "Network", "Images", "Tensors", "Foundation"]),
        ("Interop/Onnx", ["Network", "Images", "Tensors", "Foundation"]),
        ("Interop/PyTorch", ["Tensors", "Foundation"]),
        ("Persistence", ["Network", "Images", "Tensors", "Foundation"]),
        ("Reporting", ["Foundation"]),
        ("Augmentation", ["Data", "Network/Torch", "Network", "Images", "Foundation"]),
        ("Data", ["Images/Columns", "Images/Views", "Network/Torch", "Network", "Images", "Distributed", "Foundation"]),
        ("Network/Torch", ["Network", "Images", "Tensors", "Distributed", "Foundation"]),
        ("Cpu/Training", ["Cpu/Kernels", "Network", "Images", "Tensors", "Distributed"]),
        ("Cpu/Inference", ["Cpu/Kernels", "Network", "Images", "Tensors"]),
        ("Network", ["Images", "Tensors", "Foundation"]),
        ("Images/Views", ["Images", "Foundation"]),
        ("Images/Columns", ["Images", "Foundation"]),
        ("Images/Folders", ["Images", "Foundation"]),
        ("Images/Cifar", ["Images", "Foundation"]),
        ("Images", ["Foundation"]),
        ("Cpu/Kernels", ["Foundation"]),
        ("Tensors", ["Foundation"]),
        ("Distributed", ["Foundation"]),
        ("Foundation", []),
    ];

    private static readonly string[] KnowMLNetsInternals = ["Root", "Catalogs", "Fitting", "Scoring"];

    [TestMethod]
    public void No_folder_uses_one_above_or_beside_it()
    {
        using var library = new LibraryAssembly();
        var allowed = Layers.ToDictionary(layer => layer.Folder, layer => layer.Uses);
        var wrong = from type in library.Types
                    let folder = library.FolderOf(type)!
                    where folder is not "Generated"
                    from use in LibraryAssembly.Uses(type).OfType<TypeReference>()
                    where use.Scope == type.Module || LibraryAssembly.Names.Contains(use.Scope?.Name)
                    let used = library.FolderOf(use.Resolve())
                    where used is not (null or "Generated") && used != folder && !allowed.GetValueOrDefault(folder, []).Contains(used)
                    select $"{folder} -> {used} ({type.Name} uses {use.Name})";

        AssertNone(wrong);
    }

    [TestMethod]
    public void The_assembly_that_scores_knows_neither_ML_NET_nor_TorchSharp()
    {
        using var library = new LibraryAssembly();
        string[] known = ["SkiaSharp", "System."];
        var wrong = library[LibraryAssembly.Scores].MainModule.AssemblyReferences.Select(reference => reference.Name)
            .Where(name => !known.Any(start => name.StartsWith(start, StringComparison.Ordinal)));

        AssertNone(wrong);
    }

    [TestMethod]
    public void The_list_of_folders_has_no_cycle()
    {
        var order = Layers.Select(layer => layer.Folder).ToList();
        var wrong = from layer in Layers
                    from use in layer.Uses
                    where order.IndexOf(use) <= order.IndexOf(layer.Folder)
                    select $"{layer.Folder} -> {use}";

        AssertNone(wrong);
    }

    [TestMethod]
    public void Every_folder_is_on_the_list()
    {
        using var library = new LibraryAssembly();
        var folders = library.Types.Select(type => library.FolderOf(type)!).Distinct().Except(["Generated"]).Order().ToArray();

        CollectionAssert.AreEqual(Layers.Select(layer => layer.Folder).Order().ToArray(), folders);
    }

    [TestMethod]
    public void Only_what_meets_ML_NET_knows_its_internals()
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
        => (member as TypeReference ?? member.DeclaringType).Scope?.Name is { } scope
            && scope.StartsWith("Microsoft.ML.", StringComparison.Ordinal)
            && !scope.StartsWith("Microsoft.ML.ResNet", StringComparison.Ordinal);

    private static bool IsPublic(MemberReference member) => member switch
    {
        TypeReference type => IsPublic(type.Resolve()),
        MethodReference method => method.Resolve() is { } found && (found.IsPublic || found.IsFamily || found.IsFamilyOrAssembly),
        FieldReference field => field.Resolve() is { } found && (found.IsPublic || found.IsFamily || found.IsFamilyOrAssembly),
        _ => true,
    };

    private static bool IsPublic(TypeDefinition? type)
        => type is not null
            && (type.IsPublic || (type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamilyOrAssembly)
            && IsPublic(type.DeclaringType));
}
