using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Loader;

namespace Mutation;

/// <summary>Runs tests against one mutant after the other, in one process as long as it lives.</summary>
internal static class Runner
{
    private const int Died = 4;
    private static readonly TimeSpan LongestTest = TimeSpan.FromSeconds(1.5), Patience = TimeSpan.FromSeconds(15);

    private static Type? SilentContext;

    private sealed record Test(string Name, MethodInfo Method, object?[]? Arguments)
    {
        public TimeSpan Time { get; set; }

        public HashSet<int> Reaches { get; set; } = [];
    }

    public static int Run(string testsPath, string libraryPath, string list, string results, string[] namespaces)
    {
        var mutants = File.ReadLines(list).Select(line => int.Parse(line.Split('\t')[0], CultureInfo.InvariantCulture)).ToList();
        var library = AssemblyLoadContext.Default.LoadFromAssemblyPath(Path.GetFullPath(libraryPath));
        var hook = library.GetType("Mutation.Mutant")!;
        var (active, reached) = (hook.GetField("Active")!, hook.GetField("Reached")!);
        var tests = Tests(AssemblyLoadContext.Default.LoadFromAssemblyPath(Path.GetFullPath(testsPath)), namespaces).ToList();
        var inFlight = results + ".now";
        if (File.Exists(inFlight))
        {
            File.AppendAllText(results, File.ReadAllText(inFlight) + "\tkilled\tthe process died, or did not come back\n");
            File.Delete(inFlight);
        }
        var done = File.Exists(results)
            ? File.ReadLines(results).Select(line => int.Parse(line.Split('\t')[0], CultureInfo.InvariantCulture)).ToHashSet() : [];

        Console.SetOut(TextWriter.Null);
        var reach = results + ".reach";
        if (!File.Exists(reach))
            File.WriteAllLines(reach, Measure(tests, reached, mutants.Max()));
        var measured = File.ReadLines(reach).Select(line => line.Split('\t')).ToDictionary(cells => cells[0]);
        tests.RemoveAll(test => !measured.ContainsKey(test.Name));
        foreach (var test in tests)
        {
            test.Time = TimeSpan.FromMilliseconds(double.Parse(measured[test.Name][1], CultureInfo.InvariantCulture));
            test.Reaches = measured[test.Name][2].Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(number => int.Parse(number, CultureInfo.InvariantCulture)).ToHashSet();
        }
        Console.Error.WriteLine($"{tests.Count} tests, {tests.Sum(test => test.Time.TotalSeconds):n0} s");

        // in an order that mixes the folders, so that a run that is cut short is a sample of all
        foreach (var number in mutants.Where(number => !done.Contains(number)).OrderBy(number => number * 7919L % 100_003))
        {
            var relevant = tests.Where(test => test.Reaches.Contains(number)).OrderBy(test => test.Time).ToList();
            File.WriteAllText(inFlight, number.ToString(CultureInfo.InvariantCulture));
            using var watch = new Timer(_ => Environment.Exit(Died));
            active.SetValue(null, number);
            var killer = relevant.FirstOrDefault(test =>
            {
                watch.Change(Patience + (10 * test.Time), Timeout.InfiniteTimeSpan);
                return Fails(test) is not null;
            });
            active.SetValue(null, 0);
            watch.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            var verdict = killer is not null ? $"killed\t{killer.Name}" : relevant.Count == 0 ? "survived\tno test reaches it"
                : $"survived\t{relevant.Count} tests reach it";
            File.AppendAllText(results, $"{number}\t{verdict}\n");
            File.Delete(inFlight);
        }
        return 0;
    }

    // Without a mutant: how long each test takes, and which mutants it would meet. What fails or takes long is left out.
    private static IEnumerable<string> Measure(IEnumerable<Test> tests, FieldInfo reached, int mutants)
    {
        foreach (var test in tests)
        {
            var seen = new bool[mutants + 1];
            reached.SetValue(null, seen);
            var clock = Stopwatch.StartNew();
            var failure = Fails(test);
            if (failure is null && clock.Elapsed < LongestTest)
                yield return string.Create(CultureInfo.InvariantCulture, $"{test.Name}\t{clock.Elapsed.TotalMilliseconds}\t")
                    + string.Join(' ', Enumerable.Range(0, seen.Length).Where(number => seen[number]));
            else
                Console.Error.WriteLine($"left out: {test.Name}, {clock.Elapsed.TotalSeconds:n1} s, {failure}");
        }
        reached.SetValue(null, null);
    }

    private static IEnumerable<Test> Tests(Assembly assembly, string[] namespaces)
    {
        foreach (var type in assembly.GetTypes().Where(type => Has(type, "TestClassAttribute")
            && namespaces.Any(space => $"{type.FullName}.".StartsWith(space, StringComparison.Ordinal)))
            .OrderBy(type => type.FullName, StringComparer.Ordinal))
            foreach (var method in type.GetMethods().Where(method => Has(method, "TestMethodAttribute")))
            {
                var sources = method.GetCustomAttributes().Where(attribute => attribute.GetType().GetMethod("GetData") is not null)
                    .ToList();
                var rows = sources.Count == 0 ? [null]
                    : sources.SelectMany(source => (IEnumerable<object?[]>)source.GetType()
                        .GetMethod("GetData")!.Invoke(source, [method])!).Select(row => (object?[]?)row);
                foreach (var (index, row) in rows.Index())
                    yield return new($"{type.Name}.{method.Name}{(row is null ? "" : $"[{index}]")}", method, row);
            }
    }

    private static string? Fails(Test test)
    {
        object? instance = null;
        try
        {
            var type = test.Method.DeclaringType!;
            instance = test.Method.IsStatic ? null : Activator.CreateInstance(type);
            if (type.GetProperty("TestContext") is { } context)
                context.SetValue(instance, Activator.CreateInstance(SilentContext ??= Silent(context.PropertyType)));
            Call(type, instance, "TestInitializeAttribute");
            var left = test.Method.GetParameters().Skip(test.Arguments?.Length ?? 0).Select(parameter => parameter.DefaultValue);
            Wait(test.Method.Invoke(instance, [.. test.Arguments ?? [], .. left]));
            Call(type, instance, "TestCleanupAttribute");
            return null;
        }
        catch (Exception e)
        {
            var cause = e is TargetInvocationException { InnerException: { } inner } ? inner : e;
            return cause.GetType().Name == "AssertInconclusiveException" ? null : $"{cause.GetType().Name}: {cause.Message.Split('\n')[0]}";
        }
        finally
        {
            (instance as IDisposable)?.Dispose();
        }
    }

    /// <summary>A context for tests that say something: it says nothing.</summary>
    private static Type Silent(Type context)
    {
        var type = AssemblyBuilder.DefineDynamicAssembly(new("Silent"), AssemblyBuilderAccess.Run).DefineDynamicModule("Silent")
            .DefineType("SilentContext", TypeAttributes.Public, context);
        foreach (var method in context.GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(method => method.IsAbstract))
        {
            var silent = type.DefineMethod(method.Name, method.Attributes & ~MethodAttributes.Abstract, method.ReturnType,
                [.. method.GetParameters().Select(parameter => parameter.ParameterType)]);
            var code = silent.GetILGenerator();
            if (method.ReturnType != typeof(void))
                code.Emit(OpCodes.Ldloc, code.DeclareLocal(method.ReturnType));
            code.Emit(OpCodes.Ret);
            type.DefineMethodOverride(silent, method);
        }
        return type.CreateType();
    }

    private static void Call(Type type, object? instance, string attribute)
    {
        foreach (var method in type.GetMethods().Where(method => Has(method, attribute)))
            Wait(method.Invoke(instance, null));
    }

    private static void Wait(object? result) => (result as Task)?.GetAwaiter().GetResult();

    private static bool Has(MemberInfo member, string attribute)
        => member.GetCustomAttributes().Any(found => found.GetType().Name == attribute || found.GetType().BaseType?.Name == attribute);
}
