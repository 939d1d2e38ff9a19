namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>Real data that is not part of the repository: <c>../shared</c> beside its root. Tests that need it skip without it.</summary>
internal static class SharedData
{
    /// <summary>The path of a file below <c>shared/</c>; the running test is reported as skipped when it is absent.</summary>
    public static string Require(string relativePath)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, "shared", relativePath);
            if (File.Exists(path))
                return path;
        }
        Assert.Inconclusive($"shared/{relativePath} is not beside the repository; this test needs it.");
        throw new InvalidOperationException("Unreachable: Assert.Inconclusive throws.");
    }
}
