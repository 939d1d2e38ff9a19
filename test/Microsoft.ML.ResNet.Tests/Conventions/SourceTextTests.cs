namespace Microsoft.ML.ResNet.Tests.Conventions;

/// <summary>What every source file must keep to, and no compiler checks.</summary>
[TestClass]
public class SourceTextTests
{
    private const int LongestLine = 140; // .editorconfig says so too

    [TestMethod]
    public void No_line_of_code_is_longer_than_a_screen_is_wide()
    {
        var root = RepositoryRoot();
        var tooLong = from folder in new[] { "src", "test", "build" }
                      from file in Directory.EnumerateFiles(Path.Combine(root, folder), "*.cs", SearchOption.AllDirectories)
                      from line in File.ReadLines(file).Index()
                      where line.Item.Length > LongestLine
                      select $"{Path.GetRelativePath(root, file)}({line.Index + 1}) has {line.Item.Length} columns";

        var all = tooLong.Order(StringComparer.Ordinal).ToList();
        Assert.IsEmpty(all, $"Break lines after {LongestLine} columns:{Environment.NewLine}{string.Join(Environment.NewLine, all)}");
    }

    private static string RepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "ResNetMlNet.sln")))
                return folder.FullName;
        throw new AssertInconclusiveException("The tests run outside the repository.");
    }
}
