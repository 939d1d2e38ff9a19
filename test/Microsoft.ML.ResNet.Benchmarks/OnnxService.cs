using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.ML.OnnxRuntime;
using SkiaSharp;

/// <summary>
/// What one would write around ONNX Runtime to serve a file that <c>export --onnx</c> has written: an encoded picture is posted, the five
/// likeliest classes come back. It stands beside <c>resnet serve</c> in <c>build/serve-load.sh</c>.
/// </summary>
internal sealed class OnnxService(string file) : IDisposable
{
    private const int Top = 5;

    private readonly InferenceSession _session = new(file); // its own defaults: as many threads as cores, and they spin

    /// <summary>The verb; it prints its address and serves until it is stopped.</summary>
    public static Command Verb()
    {
        var path = new Argument<string>("FILE") { Description = "An ONNX file of ours, whose input is bytes." };
        var verb = new Command("serve-onnx", "Serves predictions by ONNX Runtime, to be measured beside 'resnet serve'.") { path };
        verb.SetAction(async (parsed, cancellation) =>
        {
            using var service = new OnnxService(parsed.GetValue(path)!);
            await service.Serve(cancellation);
        });
        return verb;
    }

    /// <summary>Frees the session.</summary>
    public void Dispose() => _session.Dispose();

    private async Task Serve(CancellationToken cancellation)
    {
        var metadata = _session.ModelMetadata.CustomMetadataMap;
        var names = JsonSerializer.Deserialize<string[]>(metadata["class_names"])!;
        var shape = JsonSerializer.Deserialize<long[]>(metadata["image_shape"])!;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var application = builder.Build();
        application.Urls.Add("http://127.0.0.1:0");
        application.MapPost("/predict", async request =>
        {
            using var body = new MemoryStream();
            await request.Request.Body.CopyToAsync(body, request.RequestAborted);
            var probabilities = Score(Pixels(body.GetBuffer().AsSpan(0, (int)body.Length), (int)shape[2], (int)shape[1]), shape);
            var classes = Enumerable.Range(0, names.Length).OrderByDescending(index => probabilities[index]).Take(Top)
                .Select(index => new { name = names[index], probability = probabilities[index] });
            await request.Response.WriteAsJsonAsync(new { predictions = classes }, request.RequestAborted);
        });
        await application.StartAsync(cancellation);
        Console.WriteLine($"Serves: {application.Urls.Single()}");
        await application.WaitForShutdownAsync(cancellation);
    }

    private float[] Score(byte[] pixels, long[] shape)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(pixels, [1, .. shape]);
        using var options = new RunOptions();
        using var results = _session.Run(options, [_session.InputNames[0]], [input], ["probabilities"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }

    // Squeezed to the network's size; red, green and blue one after the other.
    private static byte[] Pixels(ReadOnlySpan<byte> encoded, int width, int height)
    {
        using var data = SKData.CreateCopy(encoded);
        using var codec = SKCodec.Create(data);
        using var whole = SKBitmap.Decode(codec, new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888));
        using var fitted = whole.Width == width && whole.Height == height ? whole
            : whole.Resize(new SKImageInfo(width, height, SKColorType.Rgba8888), SKFilterQuality.Medium);
        var interleaved = MemoryMarshal.Cast<byte, uint>(fitted.GetPixelSpan());
        var planar = new byte[3 * width * height];
        for (var (index, plane) = (0, width * height); index < plane; index++)
        {
            var pixel = interleaved[index];
            planar[index] = (byte)pixel;
            planar[plane + index] = (byte)(pixel >> 8);
            planar[2 * plane + index] = (byte)(pixel >> 16);
        }
        return planar;
    }
}
