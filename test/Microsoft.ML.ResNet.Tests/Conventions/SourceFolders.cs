using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Microsoft.ML.ResNet.Tests.Conventions;

/// <summary>
/// Which folder of the library each type is written in, from its debug information: namespaces do not tell, since public types share one.
/// </summary>
internal static class SourceFolders
{
    private const string Root = "Root";
    private static readonly Guid TypeDefinitionDocuments = new("932E74BC-DBA9-4478-8D46-0F32A7BAB3D3"); // the Portable PDB specification's

    /// <summary>The folder of every outer type, by its token; types that the compiler made are absent.</summary>
    /// <param name="project">The folder of its project.</param>
    /// <param name="assembly">The assembly's file.</param>
    /// <param name="pdb">The file of its debug information.</param>
    public static Dictionary<int, string> Read(string project, string assembly, string pdb)
    {
        using var library = File.OpenRead(assembly);
        using var image = new PEReader(library);
        using var symbols = MetadataReaderProvider.FromPortablePdbStream(File.OpenRead(pdb));
        var (code, debug) = (image.GetMetadataReader(), symbols.GetMetadataReader());

        var folders = new Dictionary<int, string>();
        foreach (var handle in code.TypeDefinitions)
            if (code.GetTypeDefinition(handle) is var type && Document(type, handle, debug) is { IsNil: false } document)
                folders[MetadataTokens.GetToken(handle)] = Folder($"/src/{project}/", debug.GetString(debug.GetDocument(document).Name));
        return folders;
    }

    private static DocumentHandle Document(TypeDefinition type, TypeDefinitionHandle handle, MetadataReader debug)
    {
        foreach (var method in type.GetMethods())
            if (debug.GetMethodDebugInformation(method.ToDebugInformationHandle()).Document is { IsNil: false } document)
                return document;
        foreach (var information in debug.GetCustomDebugInformation(handle).Select(debug.GetCustomDebugInformation))
            if (debug.GetGuid(information.Kind) == TypeDefinitionDocuments)
                return MetadataTokens.DocumentHandle(debug.GetBlobReader(information.Value).ReadCompressedInteger());
        return default;
    }

    private static string Folder(string project, string document)
    {
        var path = document.Replace('\\', '/');
        var start = path.LastIndexOf(project, StringComparison.Ordinal);
        if (start < 0)
            return "Generated";
        var parts = path[(start + project.Length)..].Split('/');
        return parts.Length == 1 ? Root : string.Join('/', parts[..^1]);
    }
}
