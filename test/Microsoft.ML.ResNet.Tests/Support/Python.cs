using System.ComponentModel;
using System.Diagnostics;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>A Python with PyTorch, as a second opinion on files. Tests that need it skip where there is none.</summary>
internal static class Python
{
    private static readonly Lazy<string?> WithTorch = new(() =>
        new[] { "/usr/bin/python3", "python3", "python" }.FirstOrDefault(python => Run(python, "import torch", []).Code == 0));

    /// <summary>Runs a program and gives what it prints; fails the test when the program fails.</summary>
    /// <param name="program">Python source; its arguments are in <c>sys.argv[1:]</c>.</param>
    /// <param name="arguments">Its arguments.</param>
    public static string RunWithTorch(string program, params string[] arguments)
    {
        if (WithTorch.Value is not { } python)
        {
            Assert.Inconclusive("No python3 with torch on this machine; this test needs it.");
            throw new InvalidOperationException("Unreachable: Assert.Inconclusive throws.");
        }
        var (code, output, errors) = Run(python, program, arguments);
        Assert.AreEqual(0, code, errors);
        return output;
    }

    private static (int Code, string Output, string Errors) Run(string python, string program, string[] arguments)
    {
        try
        {
            using var process =
                Process.Start(
                new ProcessStartInfo(python, ["-c", program, .. arguments])
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true
                })!;
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output, errors.Result);
        }
        catch (Win32Exception) // there is no such program
        {
            return (-1, "", "");
        }
    }
}
