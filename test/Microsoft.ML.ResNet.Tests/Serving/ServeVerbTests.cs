using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.ML.ResNet.Tests.Images;
using Microsoft.ML.ResNet.Tests.Samples;

namespace Microsoft.ML.ResNet.Tests.Serving;

/// <summary><c>resnet serve</c> as a program.</summary>
[TestClass]
public class ServeVerbTests
{
    [TestMethod]
    public async Task It_serves_until_it_is_told_to_end_and_then_says_what_it_served()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Inconclusive("This test ends a program as 'kill' does.");
        var model = TestService.SaveModel(Path.Combine(ImageSamples.NewFolder(), "first.zip"));
        string[] limits = ["--max-megapixels", "1", "--max-mib", "4"];
        using var process = Process.Start(SampleProgram.Start(["serve", model, "--port", "0", .. limits, "--json"]))!;
        string? line;
        while ((line = await process.StandardOutput.ReadLineAsync())?.StartsWith("Serves: ", StringComparison.Ordinal) == false)
        {
        }
        if (line is null)
            Assert.Fail(await process.StandardError.ReadToEndAsync());
        using var client = new HttpClient { BaseAddress = new(line.Split(' ')[1]) };

        using var answer = await client.PostAsync("/predict", new ByteArrayContent(TestService.Picture(1)));
        foreach (var (upload, limit) in new[]
            { (TestService.Picture(1, 1200, 900), "--max-megapixels 1,"), (new byte[(4 << 20) + 1], "--max-mib 4,") })
        {
            using var form = new MultipartFormDataContent { { new ByteArrayContent(upload), "file", "a" } };
            using var refused = await client.PostAsync("/predict", form);
            Assert.AreEqual(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
            StringAssert.Contains(await refused.Content.ReadAsStringAsync(), limit);
        }
        using var kill = Process.Start("kill", $"-TERM {process.Id}");
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.AreEqual(HttpStatusCode.OK, answer.StatusCode);
        Assert.AreEqual(0, process.ExitCode);
        var result = JsonNode.Parse(output.TrimEnd().Split('\n')[^1])!;
        Assert.AreEqual((3, 1, 1), ((int)result["requests"]!, (int)result["images"]!, (int)result["unreadable"]!));
        Assert.AreEqual(client.BaseAddress, new Uri((string)result["address"]!));
    }

    [TestMethod]
    public void What_is_wrong_is_one_line_in_the_words_of_the_command_line()
    {
        var model = TestService.SaveModel(Path.Combine(ImageSamples.NewFolder(), "first.zip"));
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = $"{((IPEndPoint)taken.LocalEndpoint).Port}";
        foreach (var (exitCode, message, arguments) in new (int, string, string[])[]
        {
            (2, "--port is '70000'; expected at most 65535", [model, "--port", "70000"]),
            (2, "--max-megapixels is '101'; expected at most 100", [model, "--max-megapixels", "101"]),
            (2, "--max-megapixels is '0'; expected a whole number, at least 1", [model, "--max-megapixels", "0"]),
            (2, "--max-mib is '65'; expected at most 64", [model, "--max-mib", "65"]),
            (2, "--host is 'nowhere'; expected localhost or an address", [model, "--host", "nowhere"]),
            (1, "none.zip' does not exist", ["none.zip"]),
            (2, "--allowed-host is 'http://a'", [model, "--allowed-host", "http://a"]),
            (1, "Cannot listen on --host 203.0.113.9 --port 0", [model, "--host", "203.0.113.9", "--port", "0"]), // nobody's: RFC 5737
            (1, "address already in use", [model, "--host", "127.0.0.1", "--port", port]),
        })
        {
            var run = SampleProgram.Run(["serve", .. arguments]);
            Assert.AreEqual(exitCode, run.ExitCode, run.Errors);
            StringAssert.Contains(run.ErrorLines.Single(), message);
        }
    }
}
