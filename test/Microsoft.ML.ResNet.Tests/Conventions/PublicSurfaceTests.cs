using System.Text.RegularExpressions;
using System.Xml.Linq;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Microsoft.ML.ResNet.Tests.Conventions;

/// <summary>Habits of the library that no analyzer checks.</summary>
[TestClass]
public class PublicSurfaceTests
{
    [TestMethod]
    public void Public_classes_are_sealed_static_or_abstract()
    {
        using var library = new LibraryAssembly();
        var open = library.AllTypes
            .Where(type => (type.IsPublic || type.IsNestedPublic) && type.IsClass && !type.IsSealed && !type.IsAbstract);

        AssertNone(open.Select(type => type.FullName));
    }

    [TestMethod]
    public void No_public_type_is_a_positional_record()
    {
        using var library = new LibraryAssembly();
        var positional = library.AllTypes.Where(IsVisible)
            .Where(type => type.Methods.Any(method => method is { IsPublic: true, Name: "Deconstruct" }));

        AssertNone(positional.Select(type => $"{type.FullName}: the next member would break all who construct or deconstruct it"));
    }

    [TestMethod]
    public void Enums_that_are_no_flags_have_singular_names()
    {
        using var library = new LibraryAssembly();
        var enums = library.AllTypes.Where(type => IsVisible(type) && type.IsEnum).ToList();
        Assert.IsGreaterThan(5, enums.Count);

        AssertNone(enums.Where(type => Regex.IsMatch(type.Name, "(?<!ic|s)s$")
            && type.CustomAttributes.All(attribute => attribute.AttributeType.Name != "FlagsAttribute"))
            .Select(type => type.FullName));
    }

    [TestMethod]
    public void Every_option_tells_its_default()
    {
        using var library = new LibraryAssembly();
        var documentation = LibraryAssembly.Names
            .SelectMany(name => XDocument.Load(LibraryAssembly.PathOf(name, "xml")).Descendants("member"))
            .ToLookup(member => (string)member.Attribute("name")!, member => member.Value);
        var options = library.AllTypes
            .Where(type => (type.IsPublic || type.IsNestedPublic) && type.Name.EndsWith("Options", StringComparison.Ordinal)).ToList();
        Assert.IsGreaterThan(2, options.Count);

        var names = options.SelectMany(type => type.Fields.Where(field => field.IsPublic && !field.IsStatic)
            .Select(field => $"F:{Name(type)}.{field.Name}")
            .Concat(type.Properties.Where(property => property.SetMethod is { IsPublic: true })
                .Select(property => $"P:{Name(type)}.{property.Name}")));
        AssertNone(names.Where(name => !Regex.IsMatch(string.Concat(documentation[name]), @"\bdefault\b", RegexOptions.IgnoreCase)));
    }

    [TestMethod]
    public void IntelliSense_knows_what_is_public_and_nothing_else()
    {
        using var library = new LibraryAssembly();
        var documented = LibraryAssembly.Names
            .SelectMany(name => XDocument.Load(LibraryAssembly.PathOf(name, "xml")).Descendants("member"))
            .Select(member => (string)member.Attribute("name")!).ToList();
        var types = library.AllTypes.ToLookup(IsVisible, Name);
        Assert.Contains("T:Microsoft.ML.ResNet.ResNetTrainer", documented);
        Assert.Contains("P:Microsoft.ML.ResNet.TrainingRecipe.NumberOfEpochs", documented);
        Assert.Contains(name => name.StartsWith("M:Microsoft.ML.ResNet.ImageClassifier.Predict(System.String,", StringComparison.Ordinal),
            documented);

        AssertNone(types[true].Select(name => $"T:{name}").Except(documented));
        AssertNone(documented.Intersect(types[false].Select(name => $"T:{name}")));
        AssertNone(documented.Where(name => name.StartsWith("M:Microsoft.ML.ResNet.TrainingRecipe.For(", StringComparison.Ordinal)
            || name.StartsWith("M:Microsoft.ML.ResNet.ResNetTransformer.#ctor", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void Arguments_are_checked_by_the_frameworks_own_guards()
    {
        using var library = new LibraryAssembly();
        var byHand = from type in library.AllTypes
                     from method in type.Methods
                     where method.HasBody
                     from instruction in method.Body.Instructions
                     where instruction.OpCode == OpCodes.Newobj
                         && ((MethodReference)instruction.Operand).DeclaringType.FullName == typeof(ArgumentNullException).FullName
                     select method.FullName;

        AssertNone(byHand);
    }

    [TestMethod]
    public void Test_names_are_sentences()
    {
        var methods = typeof(PublicSurfaceTests).Assembly.GetTypes().SelectMany(type => type.GetMethods())
            .Where(method => method.IsDefined(typeof(TestMethodAttribute), inherit: false));

        AssertNone(methods.Where(method => !method.Name.Contains('_', StringComparison.Ordinal))
            .Select(method => $"{method.DeclaringType!.Name}.{method.Name}"));
    }

    private static bool IsVisible(TypeDefinition type) => type.IsPublic || (type.IsNestedPublic && IsVisible(type.DeclaringType));

    private static string Name(TypeDefinition type) => type.FullName.Replace('/', '.');

    private static void AssertNone(IEnumerable<string> wrong)
    {
        var all = wrong.Distinct().Order().ToList();
        Assert.IsEmpty(all, string.Join(Environment.NewLine, all));
    }
}
