using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.ML.ResNet.Tests.Images;
using Microsoft.ML.ResNet.Tests.Interop.Onnx;
using Samples.Serving;

namespace Microsoft.ML.ResNet.Tests.Serving;

/// <summary>The service of <c>resnet serve</c> over HTTP, as programs meet it.</summary>
[TestClass]
public class ServiceTests
{
    private static readonly string[] Unlisted = ["/page.css", "/page.js", "/serve.css", "/serve.js"]; // parts of the page

    [TestMethod]
    public async Task A_picture_as_a_form_or_as_raw_bytes_gets_the_classes_of_the_classifier()
    {
        await using var service = await TestService.StartAsync();
        var picture = TestService.Picture(1);
        var expected = service.Classifier.Predict(picture, new() { Top = 2 }).Top;

        foreach (var content in new HttpContent[]
        {
            Form(picture), Form(picture, "../../etc/passwd"), new ByteArrayContent(picture),
            new ByteArrayContent(picture) { Headers = { ContentType = new("image/png") } },
            new ByteArrayContent(picture) { Headers = { ContentType = new("application/x-www-form-urlencoded") } }, // curl --data-binary
        })
        {
            var reply = await OkAsync(service, "/predict?top=2", content);
            Assert.AreEqual("first", (string)reply["model"]!);
            Assert.AreEqual((expected[0].Name, expected[0].Probability), ((string)reply["class"]!, (float)reply["probability"]!));
            CollectionAssert.AreEqual(expected.Select(one => (one.Name, one.Probability)).ToArray(),
                reply["top"]!.AsArray().Select(one => ((string)one!["class"]!, (float)one["probability"]!)).ToArray());
            Assert.AreEqual((30, 40), ((int)reply["height"]!, (int)reply["width"]!));
            Assert.IsNull(reply["map"]);
        }
    }

    [TestMethod]
    public async Task A_map_is_the_classifiers_of_the_likeliest_class_or_of_the_one_that_was_asked_for()
    {
        await using var service = await TestService.StartAsync();
        var picture = TestService.Picture(2);
        foreach (var (query, index) in new (string, int?)[] { ("map=true", null), ("mapClass=%3Cb%3Ebird%3C%2Fb%3E", 2) })
        {
            var expected = service.Classifier.Predict(picture, new() { WithActivationMap = true, ActivationMapClass = index }).Map!;
            var map = (await OkAsync(service, $"/predict?{query}", Form(picture)))["map"]!;

            Assert.AreEqual((expected.ClassName, 4, 4), ((string)map["class"]!, (int)map["height"]!, (int)map["width"]!));
            CollectionAssert.AreEqual(expected.Values.ToArray(), map["values"]!.AsArray().Select(value => (float)value!).ToArray());
            Assert.AreEqual((float)map["logit"]!, map["values"]!.AsArray().Average(value => (double)value!) + (double)map["bias"]!, 1e-4);
        }
    }

    [TestMethod]
    public async Task Requests_choose_among_models_by_name()
    {
        await using var service = await TestService.StartAsync(null, "first", "second");
        var picture = TestService.Picture(3);

        var models = await JsonAsync(await service.Client.GetAsync("/models"));
        CollectionAssert.AreEqual(new[] { "first", "second" }, models["models"]!.AsArray().Select(one => (string)one!["name"]!).ToArray());
        CollectionAssert.AreEqual(TestService.Classes,
            models["models"]![1]!["classes"]!.AsArray().Select(name => (string)name!).ToArray());
        var first = await OkAsync(service, "/predict", Form(picture));
        var second = await OkAsync(service, "/predict?model=second", Form(picture));
        Assert.AreEqual(("first", "second"), ((string)first["model"]!, (string)second["model"]!));
        Assert.AreNotEqual((float)first["probability"]!, (float)second["probability"]!);
    }

    [TestMethod]
    public async Task What_cannot_be_answered_becomes_problem_details_that_the_document_lists()
    {
        await using var service = await TestService.StartAsync(new() { PictureBytes = 50_000, PicturePixels = 4_000 });
        var good = TestService.Picture(1);
        var document = JsonNode.Parse(await service.Client.GetStringAsync("/openapi.json"))!;
        foreach (var (path, content, status, detail) in new (string, HttpContent, int, string)[]
        {
            ("/predict", new ByteArrayContent([]), 400, "found no bytes"),
            ("/predict?top=0", Form(good), 400, "at least 1 for 'top', found '0'"),
            ("/predict?top=many", Form(good), 400, "found 'many'"),
            ("/predict?map=perhaps", Form(good), 400, "true or false"),
            ("/predict?mapClass=zebra", Form(good), 400, "one of the model's 6 classes"),
            ("/predict", Form(good, field: "picture"), 400, "a field 'file', found none"),
            ("/predict", new MultipartFormDataContent { { new ByteArrayContent(good), "file" }, { new ByteArrayContent(good), "file" } },
                400, "found more"),
            ("/predict", new StringContent("junk") { Headers = { ContentType = new("multipart/form-data")
                { Parameters = { new("boundary", "x") } } } }, 400, "a whole form"),
            ("/predict", new StringContent("junk") { Headers = { ContentType = new("multipart/form-data") } }, 400, "a boundary"),
            ("/predict?model=third", Form(good), 404, "a model among 'first', found 'third'"),
            ("/predict?model=" + new string('x', 5_000), Form(good), 404, "xxx..."),
            ("/predict", Form(new byte[50_001]), 413, "at most 50000 bytes, found more. This service takes pictures by --max-mib 0.048"),
            ("/predict", new ByteArrayContent(new byte[200_000]), 413, "at most"),
            ("/predict", Form(TestService.Picture(1, 80, 60)), 413,
                "at most 4000 pixels, found 80 x 60. This service takes pictures by --max-megapixels 0.004, which may be 100 at most."),
            ("/predict", new StringContent("hello"), 415, "expected an image in a format"),
            ("/predict", Form(good[..(good.Length / 2)]), 422, "found a file that ends too early"),
        })
        {
            using var answer = await service.Client.PostAsync(path, content);
            var problem = await ProblemAsync(answer, status);
            StringAssert.Contains((string)problem["detail"]!, detail, path);
            Assert.IsNotNull(document["paths"]!["/predict"]!["post"]!["responses"]![$"{status}"], $"{status} is not in openapi.json");
        }
        await ProblemAsync(await service.Client.GetAsync("/predict"), 405);
        await ProblemAsync(await service.Client.GetAsync("/%2e%2e/etc/passwd"), 404);
        await ProblemAsync(await service.Client.DeleteAsync("/models"), 405);
        Assert.IsTrue((await service.Client.PostAsync("/predict", Form(good))).IsSuccessStatusCode, "it goes on");
    }

    [TestMethod]
    public async Task A_form_stays_in_memory()
    {
        // ASP.NET's reader of forms writes what is beyond 64 KiB into this folder, and fails without it.
        Environment.SetEnvironmentVariable("ASPNETCORE_TEMP", Path.Combine(ImageSamples.NewFolder(), "none"));
        await using var service = await TestService.StartAsync();
        var large = TestService.Picture(1, 400, 300);
        Assert.IsGreaterThan(200_000, large.Length);

        var reply = await OkAsync(service, "/predict", Form(large, "/tmp/picture.png"));

        Assert.AreEqual(400, (int)reply["width"]!);
        Assert.IsFalse(File.Exists("/tmp/picture.png"));
    }

    [TestMethod]
    public async Task Requests_beyond_the_limit_are_told_to_come_back_and_slow_ones_end()
    {
        await using var service = await TestService.StartAsync(new() { Requests = 2, Time = TimeSpan.FromSeconds(3) });
        using var slow = new TcpClient();
        using var slower = new TcpClient();
        foreach (var client in new[] { slow, slower })
            await SendHeadAsync(client, service.Address);
        for (var tries = 0; tries < 100 && !(await service.Client.GetStringAsync("/metrics"))
            .Contains("resnet_requests_in_flight 2", StringComparison.Ordinal); tries++)
            await Task.Delay(20);

        using var refused = await service.Client.PostAsync("/predict", Form(TestService.Picture(1)));
        await ProblemAsync(refused, 503);
        Assert.AreEqual(1, refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds);

        using var reader = new StreamReader(slow.GetStream());
        StringAssert.StartsWith(await reader.ReadLineAsync(), "HTTP/1.1 408");
        using var answer = await service.Client.PostAsync("/predict", Form(TestService.Picture(1)));
        Assert.IsTrue(answer.IsSuccessStatusCode, "their places are free again");

        static async Task SendHeadAsync(TcpClient client, Uri address)
        {
            await client.ConnectAsync(address.Host, address.Port);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
                $"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n0123456789"));
        }
    }

    [TestMethod]
    public async Task Pictures_beyond_the_memory_of_all_are_told_to_come_back_and_give_theirs_back()
    {
        await using var service = await TestService.StartAsync(new() { UploadBytes = 200_000 });
        for (var tries = 0; tries < 3; tries++)
        {
            using var refused = await service.Client.PostAsync("/predict", Form(TestService.Picture(1, 400, 300)));
            StringAssert.Contains((string)(await ProblemAsync(refused, 503))["detail"]!, "at most 200000 bytes in all");
            Assert.AreEqual(1, refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds);
            Assert.AreEqual(40, (int)(await OkAsync(service, "/predict", Form(TestService.Picture(1))))["width"]!);
        }
    }

    [TestMethod]
    [DataRow("cross-site", 403)]
    [DataRow("same-origin", 200)]
    [DataRow("none", 200)]
    public async Task A_page_of_another_site_has_nothing_computed(string site, int status)
    {
        await using var service = await TestService.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/predict") { Content = Form(TestService.Picture(1)) };
        request.Headers.Add("Sec-Fetch-Site", site);
        using var answer = await service.Client.SendAsync(request);

        Assert.AreEqual(status, (int)answer.StatusCode);
        Assert.AreEqual(status == 200 ? 1 : 0, service.Metrics.Images);
    }

    [TestMethod]
    [DataRow("127.0.0.1", "", "localhost 127.0.0.1 [::1]")]
    [DataRow("::1", "a.example", "localhost 127.0.0.1 [::1] a.example")]
    [DataRow("127.0.0.2", "", "localhost 127.0.0.1 [::1] 127.0.0.2")]
    [DataRow("0.0.0.0", "", "*")]
    [DataRow("10.0.0.1", "*.a.example", "localhost 127.0.0.1 [::1] 10.0.0.1 *.a.example")]
    public void Names_are_filtered_on_this_machines_addresses_and_where_some_are_listed(string address, string allowed, string names)
        => Assert.AreEqual(names, string.Join(' ', WebService.Hosts(IPAddress.Parse(address), allowed.Length == 0 ? [] : [allowed])));

    [TestMethod]
    public async Task Sixteen_connections_get_what_one_gets_and_all_is_counted()
    {
        await using var service = await TestService.StartAsync();
        var pictures = Enumerable.Range(0, 8).Select(seed => TestService.Picture(seed)).ToArray();
        var expected = pictures.Select(picture => service.Classifier.Predict(picture).Top[0].Probability).ToArray();

        var wrong = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, 320), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (request, _) =>
        {
            var reply = await OkAsync(service, "/predict", Form(pictures[request % 8]));
            if ((float)reply["probability"]! != expected[request % 8])
                Interlocked.Increment(ref wrong);
        });
        using var unreadable = await service.Client.PostAsync("/predict", new StringContent("none"));

        Assert.AreEqual(0, wrong);
        await ProblemAsync(unreadable, 415);
        for (var tries = 0; service.Metrics.Requests < 321 && tries < 100; tries++)
            await Task.Delay(20); // the last is counted once it is sent
        var metrics = (await service.Client.GetStringAsync("/metrics")).Split('\n');
        foreach (var line in new[]
        {
            "resnet_requests_total{status=\"200\"} 320", "resnet_requests_total{status=\"415\"} 1", "resnet_requests_in_flight 0",
            "resnet_images_total 320", "resnet_unreadable_total 1", "resnet_image_seconds_count 320",
            "resnet_image_seconds_bucket{le=\"+Inf\"} 320", "# TYPE resnet_image_seconds histogram",
        })
            Assert.Contains(line, metrics);
        var seconds = metrics.Single(line => line.StartsWith("resnet_image_seconds_sum ", StringComparison.Ordinal)).Split(' ')[1];
        Assert.IsGreaterThan(0, double.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture));
    }

    [TestMethod]
    public async Task Every_answer_forbids_what_the_page_does_not_need_and_other_names_are_refused()
    {
        await using var service = await TestService.StartAsync();
        foreach (var path in new[] { "/", "/serve.js", "/models", "/none" })
        {
            using var answer = await service.Client.GetAsync(path);
            StringAssert.StartsWith(answer.Headers.GetValues("Content-Security-Policy").Single(), "default-src 'self';");
            Assert.AreEqual("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.IsFalse(answer.Headers.Contains("Server"));
            Assert.IsFalse(answer.Headers.Contains("Access-Control-Allow-Origin"));
        }
        using var rebound = new HttpRequestMessage(HttpMethod.Get, "/models") { Headers = { Host = "attacker.example" } };
        Assert.AreEqual(HttpStatusCode.BadRequest, (await service.Client.SendAsync(rebound)).StatusCode);

        using var first = await service.Client.GetAsync("/serve.js");
        using var again = new HttpRequestMessage(HttpMethod.Get, "/serve.js") { Headers = { IfNoneMatch = { first.Headers.ETag! } } };
        Assert.AreEqual(HttpStatusCode.NotModified, (await service.Client.SendAsync(again)).StatusCode);
        using var head = await service.Client.SendAsync(new(HttpMethod.Head, "/"));
        Assert.AreEqual((HttpStatusCode.OK, "text/html"), (head.StatusCode, head.Content.Headers.ContentType!.MediaType));
    }

    [TestMethod]
    public async Task The_OpenAPI_document_lists_the_routes_and_describes_the_answers()
    {
        await using var service = await TestService.StartAsync();
        var document = JsonNode.Parse(await service.Client.GetStringAsync("/openapi.json"))!;
        var listed = document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject()
            .Select(operation => $"{operation.Key.ToUpperInvariant()} {path.Key}")).Order().ToArray();

        var routes = service.Application.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(route => !Unlisted.Contains(route.RoutePattern.RawText))
            .SelectMany(route => route.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Where(method => method != "HEAD")
                .Select(method => $"{method} {route.RoutePattern.RawText}")).Order().ToArray();

        CollectionAssert.AreEqual(routes, listed);
        var schemas = document["components"]!["schemas"]!;
        var prediction = await OkAsync(service, "/predict?map=true", Form(TestService.Picture(1)));
        AssertDescribed(schemas["Prediction"]!, prediction);
        AssertDescribed(schemas["Class"]!, prediction["top"]![0]!);
        AssertDescribed(schemas["Map"]!, prediction["map"]!);
        AssertDescribed(schemas["Map"]!["properties"]!["area"]!, prediction["map"]!["area"]!);
        var models = await JsonAsync(await service.Client.GetAsync("/models"));
        AssertDescribed(schemas["Models"]!, models);
        AssertDescribed(schemas["Models"]!["properties"]!["models"]!["items"]!, models["models"]![0]!);
        AssertDescribed(schemas["Health"]!, await JsonAsync(await service.Client.GetAsync("/healthz")));
        AssertDescribed(schemas["Problem"]!, await ProblemAsync(await service.Client.GetAsync("/none"), 404));
    }

    [TestMethod]
    public void Models_are_named_by_their_files_or_by_the_folder_of_their_run()
        => CollectionAssert.AreEqual(new[] { "cats", "blue", "cats 2", "cats 3" }, ServedModel.Names(
            ["cats.zip", Path.Combine("runs", "blue", "model.zip"), Path.Combine("old", "cats.zip"), Path.Combine("cats", "model.zip")])
            .ToArray());

    [TestMethod]
    public void A_model_of_pictures_that_no_file_holds_is_refused_with_its_name()
    {
        var path = Path.Combine(ImageSamples.NewFolder(), "infrared.zip");
        using var transformer = ExportedModel.Transformer(
            ExportedModel.Create(ResNetArchitecture.Cifar(8), new ImageShape(4, 16, 16), TestService.Classes));
        new MLContext(seed: 1).Model.SaveResNet(transformer, inputSchema: null, path);

        var error = Assert.ThrowsExactly<InvalidDataException>(() => ServedModel.LoadAll([path], new())).Message;

        StringAssert.Contains(error, $"{path}: expected a model of pictures of 1 or 3 channels. The network takes images of 4");
    }

    private static void AssertDescribed(JsonNode schema, JsonNode answer)
    {
        var (properties, found) = (Keys(schema["properties"]!), Keys(answer));
        Assert.IsEmpty(found.Except(properties), "not in the document");
        Assert.IsEmpty(schema["required"]!.AsArray().Select(name => (string)name!).Except(found), "not in the answer");

        static List<string> Keys(JsonNode node) => [.. node.AsObject().Select(property => property.Key)];
    }

    private static MultipartFormDataContent Form(byte[] picture, string fileName = "picture.png", string field = "file")
        => new() { { new ByteArrayContent(picture), field, fileName } };

    private static async Task<JsonNode> OkAsync(TestService service, string path, HttpContent content)
    {
        using var answer = await service.Client.PostAsync(path, content);
        return await JsonAsync(answer);
    }

    private static async Task<JsonNode> JsonAsync(HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.AreEqual(HttpStatusCode.OK, answer.StatusCode, text);
        Assert.AreEqual("application/json", answer.Content.Headers.ContentType!.MediaType);
        return JsonNode.Parse(text)!;
    }

    private static async Task<JsonNode> ProblemAsync(HttpResponseMessage answer, int status)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.AreEqual(status, (int)answer.StatusCode, text);
        Assert.AreEqual("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        var problem = JsonNode.Parse(text)!;
        Assert.AreEqual(status, (int)problem["status"]!);
        return problem;
    }
}
