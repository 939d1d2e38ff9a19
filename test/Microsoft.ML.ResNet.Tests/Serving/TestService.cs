using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.ML.ResNet.Tests.Images;
using Microsoft.ML.ResNet.Tests.Interop.Onnx;
using Samples.Serving;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Serving;

/// <summary>The service of <c>resnet serve</c> in this process, on a port that was free.</summary>
internal sealed class TestService : IAsyncDisposable
{
    private readonly IReadOnlyList<ServedModel> _models;

    private TestService(IReadOnlyList<ServedModel> models, ServingLimits limits)
    {
        _models = models;
        Classifier = new MLContext().Model.LoadImageClassifier(models[0].Service.Path);
        Application = WebService.Create(models, "localhost", port: 0, limits, Metrics);
    }

    public static string[] Classes { get; } = ["cat", "dog, \"wet\"", "<b>bird</b>", "d", "e", "f"];

    public WebApplication Application { get; }

    public ServingMetrics Metrics { get; } = new();

    public Uri Address { get; private set; } = null!;

    public HttpClient Client { get; } = new();

    /// <summary>What the first model says, asked without the service.</summary>
    public ImageClassifier Classifier { get; }

    /// <summary>Starts it with some models of drawn weights.</summary>
    public static async Task<TestService> StartAsync(ServingLimits? limits = null, params string[] names)
    {
        limits ??= new();
        var folder = ImageSamples.NewFolder();
        var paths = (names is [] ? ["first"] : names).Select(name => SaveModel(Path.Combine(folder, $"{name}.zip"))).ToList();
        var service = new TestService(ServedModel.LoadAll(paths, limits), limits);
        await service.Application.StartAsync();
        service.Address = new(service.Application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!
            .Addresses.Single());
        service.Client.BaseAddress = service.Address;
        return service;
    }

    /// <summary>Saves a model; the weights are drawn by its architecture, so that another name makes another network.</summary>
    public static string SaveModel(string path)
    {
        var depth = Path.GetFileName(path).StartsWith("first", StringComparison.Ordinal) ? 8 : 14;
        using var transformer = ExportedModel.Transformer(
            ExportedModel.Create(ResNetArchitecture.Cifar(depth), new ImageShape(3, 16, 16), Classes));
        new MLContext(seed: 1).Model.SaveResNet(transformer, inputSchema: null, path);
        return path;
    }

    /// <summary>A picture of noise.</summary>
    public static byte[] Picture(int seed, int width = 40, int height = 30, SKEncodedImageFormat format = SKEncodedImageFormat.Png)
    {
        var random = new Random(seed);
        return ImageSamples.Encode(width, height,
            (_, _) => new SKColor((byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256)), format);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Classifier.Dispose();
        await Application.DisposeAsync();
        foreach (var model in _models)
            model.Dispose();
    }
}
