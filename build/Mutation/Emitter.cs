using System.Globalization;
using System.Text.Json;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Mutation;

/// <summary>Compiles a project with switchable mutants in it: once, so that no mutant costs a compilation.</summary>
internal static class Emitter
{
    private const string Switch = """
        namespace Mutation
        {
            internal static class Mutant
            {
                public static int Active;
                public static bool[]? Reached;

                [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
                public static bool Is(int number)
                {
                    if (Reached is { } reached)
                        reached[number] = true;
                    return number == Active;
                }
            }
        }
        """;

    public static int Run(string arguments, string project, string output, string list, int seed, string[] folders)
    {
        var compilation = Load(arguments, project);
        var random = new Random(seed);
        var chosen = new List<Mutant>();
        foreach (var (folder, count) in folders.Select(Parse))
        {
            var all = compilation.SyntaxTrees
                .Where(tree => tree.FilePath.StartsWith(Path.Combine(project, folder) + Path.DirectorySeparatorChar,
                    StringComparison.Ordinal))
                .OrderBy(tree => tree.FilePath, StringComparer.Ordinal)
                .SelectMany(tree => Mutator.Find(tree, compilation.GetSemanticModel(tree), folder)).ToArray();
            Console.WriteLine($"{folder}: {Math.Min(count, all.Length)} of {all.Length} mutants");
            random.Shuffle(all);
            chosen.AddRange(all.Take(count));
        }

        for (var refused = new HashSet<int>(); ;)
        {
            var numbered = chosen.Select((mutant, index) => (Number: index + 1, Mutant: mutant))
                .Where(pair => !refused.Contains(pair.Number)).ToList();
            var mutated = compilation;
            foreach (var group in numbered.GroupBy(pair => pair.Mutant.Tree))
                mutated = mutated.ReplaceSyntaxTree(group.Key,
                    Mutator.Insert(group.Key, group.ToDictionary(pair => pair.Mutant.Node, pair => pair)));
            using var stream = new MemoryStream();
            var result = mutated.Emit(stream);
            if (result.Success)
            {
                File.WriteAllBytes(output, stream.ToArray());
                File.WriteAllLines(list, numbered.Select(pair
                    => string.Join('\t', pair.Number, pair.Mutant.Folder, pair.Mutant.Place(project), pair.Mutant.Text)));
                Console.WriteLine($"{numbered.Count} mutants compile, {refused.Count} do not.");
                return 0;
            }
            var before = refused.Count;
            foreach (var error in result.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error))
                refused.UnionWith(Mutator.NumbersAt(error.Location));
            if (refused.Count > before)
                continue;
            Console.Error.WriteLine(string.Join('\n', result.Diagnostics.Where(diagnostic
                => diagnostic.Severity == DiagnosticSeverity.Error)));
            return 1;
        }
    }

    private static (string Folder, int Count) Parse(string text)
    {
        var parts = text.Split('=');
        return (parts[0], parts is [_, var count] ? int.Parse(count, CultureInfo.InvariantCulture) : int.MaxValue);
    }

    // The compiler's own command line, as MSBuild would call it, and what the generators make.
    private static CSharpCompilation Load(string arguments, string project)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(arguments));
        var words = json.RootElement.GetProperty("Items").GetProperty("CscCommandLineArgs").EnumerateArray()
            .Select(item => item.GetProperty("Identity").GetString()!).ToList();
        var parsed = CSharpCommandLineParser.Default.Parse(words, project, sdkDirectory: null);
        var trees = parsed.SourceFiles.Select(file => CSharpSyntaxTree.ParseText(File.ReadAllText(file.Path), parsed.ParseOptions,
            file.Path))
            .Append(CSharpSyntaxTree.ParseText(Switch, parsed.ParseOptions, "Mutant.cs"));
        var references = parsed.MetadataReferences.Select(reference =>
            MetadataReference.CreateFromFile(Path.Combine(project, reference.Reference), reference.Properties));
        var options = parsed.CompilationOptions.WithGeneralDiagnosticOption(ReportDiagnostic.Suppress)
            .WithSpecificDiagnosticOptions([]).WithMetadataImportOptions(MetadataImportOptions.All);
        var compilation = CSharpCompilation.Create(parsed.CompilationName, trees, references, options);
        var loader = new Loader();
        var generators = parsed.AnalyzerReferences
            .SelectMany(reference => new Microsoft.CodeAnalysis.Diagnostics.AnalyzerFileReference(Path.Combine(project,
                reference.FilePath), loader)
                .GetGenerators(LanguageNames.CSharp));
        CSharpGeneratorDriver.Create(generators, parseOptions: parsed.ParseOptions)
            .RunGeneratorsAndUpdateCompilation(compilation, out var generated, out _);
        return (CSharpCompilation)generated;
    }

    private sealed class Loader : IAnalyzerAssemblyLoader
    {
        public void AddDependencyLocation(string fullPath)
        {
        }

        public System.Reflection.Assembly LoadFromPath(string fullPath) => System.Reflection.Assembly.LoadFrom(fullPath);
    }
}
