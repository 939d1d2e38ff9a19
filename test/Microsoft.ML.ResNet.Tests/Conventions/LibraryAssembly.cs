using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Microsoft.ML.ResNet.Tests.Conventions;

/// <summary>
/// The built library as it lies beside the tests, both its assemblies: its types, the folders that they are written in, and what they use.
/// </summary>
internal sealed class LibraryAssembly : IDisposable
{
    /// <summary>The assembly that needs ML.NET and libtorch.</summary>
    public const string Trains = "Microsoft.ML.ResNet";

    /// <summary>The assembly that needs neither.</summary>
    public const string Scores = "Microsoft.ML.ResNet.Scoring";

    private readonly DefaultAssemblyResolver _resolver = new();
    private readonly Dictionary<string, (AssemblyDefinition Assembly, Dictionary<int, string> Folders)> _assemblies;

    public LibraryAssembly()
    {
        _resolver.AddSearchDirectory(AppContext.BaseDirectory);
        var parameters = new ReaderParameters { AssemblyResolver = _resolver };
        _assemblies = Names.ToDictionary(name => name, name => (AssemblyDefinition.ReadAssembly(PathOf(name, "dll"), parameters),
            SourceFolders.Read(name, PathOf(name, "dll"), PathOf(name, "pdb"))));
    }

    /// <summary>The names of both.</summary>
    public static IReadOnlyList<string> Names { get; } = [Scores, Trains];

    /// <summary>One of them.</summary>
    public AssemblyDefinition this[string name] => _assemblies[name].Assembly;

    /// <summary>Their types, outer ones only, and none that the compiler made.</summary>
    public IEnumerable<TypeDefinition> Types => Names.SelectMany(name => this[name].MainModule.Types)
        .Where(type => FolderOf(type) is not null);

    /// <summary>Their types, inner ones too, and those that the compiler made.</summary>
    public IEnumerable<TypeDefinition> AllTypes => Names.SelectMany(name => this[name].MainModule.GetTypes());

    /// <summary>A file of an assembly beside the tests.</summary>
    public static string PathOf(string name, string extension) => Path.Combine(AppContext.BaseDirectory, $"{name}.{extension}");

    /// <summary>
    /// The folder in which a type is written, such as <c>Cpu/Kernels</c>, <c>Root</c> for those in the project itself;
    /// <see langword="null"/> for types without source.
    /// </summary>
    public string? FolderOf(TypeDefinition type)
    {
        while (type.DeclaringType is { } outer)
            type = outer;
        return _assemblies.TryGetValue(type.Module.Assembly.Name.Name, out var known)
            ? known.Folders.GetValueOrDefault(type.MetadataToken.ToInt32())
            : null;
    }

    /// <summary>Everything that a type and the types in it mention: types, and members of types.</summary>
    public static IEnumerable<MemberReference> Uses(TypeDefinition type)
    {
        IEnumerable<MemberReference?> direct =
        [
            type.BaseType,
            .. type.Interfaces.Select(implemented => implemented.InterfaceType),
            .. type.Fields.Select(field => field.FieldType),
            .. type.Methods.SelectMany(Uses),
        ];
        return direct.OfType<MemberReference>().SelectMany(Parts).Concat(type.NestedTypes.SelectMany(Uses));
    }

    public void Dispose()
    {
        foreach (var (assembly, _) in _assemblies.Values)
            assembly.Dispose();
        _resolver.Dispose();
    }

    private static IEnumerable<MemberReference?> Uses(MethodDefinition method)
    {
        yield return method.ReturnType;
        foreach (var parameter in method.Parameters)
            yield return parameter.ParameterType;
        if (!method.HasBody)
            yield break;
        foreach (var local in method.Body.Variables)
            yield return local.VariableType;
        foreach (var instruction in method.Body.Instructions.Where(
            instruction => instruction.OpCode.OperandType is not OperandType.InlineSig))
            yield return instruction.Operand as MemberReference;
    }

    // A List<PixelStore> is a List and a PixelStore; a method is of a type and may have type arguments.
    private static IEnumerable<MemberReference> Parts(MemberReference member)
    {
        if (member is GenericInstanceType generic)
            return [generic.ElementType, .. generic.GenericArguments.SelectMany(Parts)];
        if (member is FunctionPointerType function)
            return [.. Parts(function.ReturnType), .. function.Parameters.SelectMany(parameter => Parts(parameter.ParameterType))];
        if (member is TypeSpecification specification)
            return Parts(specification.ElementType);
        if (member is TypeReference)
            return member is GenericParameter ? [] : [member];
        IEnumerable<TypeReference> arguments = member is GenericInstanceMethod method ? method.GenericArguments : [];
        return [member, .. Parts(member.DeclaringType), .. arguments.SelectMany(Parts)];
    }
}
