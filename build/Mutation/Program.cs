// mutation emit CSC_ARGUMENTS PROJECT_FOLDER OUTPUT_DLL MUTANTS_TSV SEED FOLDER=COUNT...
//   Compiles the library with COUNT mutants (or all) of each folder in it, each asleep, and lists them.
// mutation run TESTS_DLL LIBRARY_DLL MUTANTS_TSV RESULTS_TSV NAMESPACE...
//   Wakes them one after the other and runs the tests that reach each, until one fails. Goes on where an earlier run ended.
// mutation report MUTANTS_TSV RESULTS_TSV
//   Prints the scores and the survivors.
using Mutation;

switch (args)
{
    case ["emit", var arguments, var project, var output, var mutants, var seed, .. var folders]:
        return Emitter.Run(arguments, project, output, mutants, int.Parse(seed, System.Globalization.CultureInfo.InvariantCulture),
            folders);
    case ["run", var tests, var library, var mutants, var results, .. var namespaces]:
        return Runner.Run(tests, library, mutants, results, namespaces);
    case ["report", var mutants, var results]:
        return Report.Run(mutants, results);
    default:
        Console.Error.WriteLine("Expected emit, run or report; see Program.cs.");
        return 2;
}
