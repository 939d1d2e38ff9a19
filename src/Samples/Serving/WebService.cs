using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Samples.Output;

namespace Samples.Serving;

/// <summary>The service: routes, limits, headers, and what errors become.</summary>
internal static class WebService
{
    private static readonly string[] ReadMethods = [HttpMethods.Get, HttpMethods.Head];

    // The page may show pictures that it was given, and the camera; it may load and ask nothing but this service.
    private static readonly (string Name, string Value)[] Headers =
    [
        ("Content-Security-Policy", "default-src 'self'; img-src 'self' blob: data:; media-src blob:; object-src 'none'; base-uri 'none'; "
            + "form-action 'none'; frame-ancestors 'none'"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(self), microphone=(), geolocation=()"),
    ];

    /// <summary>Builds it; it listens when it is started.</summary>
    /// <param name="models">What it serves, at least one; they stay the caller's.</param>
    /// <param name="host">
    /// <c>localhost</c>, which nobody else's machine and no other site's name reaches, or an address to listen on.
    /// </param>
    /// <param name="port">The port; 0 is any that is free.</param>
    /// <param name="limits">What it refuses.</param>
    /// <param name="metrics">What it counts.</param>
    /// <param name="allowedHosts">Names under which requests may ask, beside this machine's own, as <see cref="Hosts"/> says.</param>
    public static WebApplication Create(IReadOnlyList<ServedModel> models, string host, int port, ServingLimits limits,
        ServingMetrics metrics, params IReadOnlyList<string> allowedHosts)
    {
        var address = host == "localhost" ? IPAddress.Loopback : IPAddress.Parse(host);
        var builder = WebApplication.CreateEmptyBuilder(new()); // reads no environment and no files: the command line says it all
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = limits.RequestBytes;
            kestrel.Limits.MaxConcurrentConnections = limits.Connections;
            kestrel.Listen(address, port);
        });
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostFilteringOptions>(hosts => hosts.AllowedHosts = Hosts(address, allowedHosts));
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(10));
        foreach (var model in models)
            builder.Services.AddResNet(model.Service);

        var service = builder.Build();
        service.Use((context, next) => GuardAsync(context, next, limits));
        service.UseHostFiltering();
        Map(service, models, limits, metrics);
        return service;
    }

    /// <summary>
    /// The names under which requests may ask: any where others reach it, unless somebody has said more. Else a page of another site could,
    /// by a name of its own for this machine's address.
    /// </summary>
    internal static IList<string> Hosts(IPAddress address, IReadOnlyList<string> allowed)
    {
        var own = address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : $"{address}";
        return allowed.Count == 0 && !IPAddress.IsLoopback(address)
            ? ["*"]
            : [.. new[] { "localhost", "127.0.0.1", "[::1]", own }.Concat(allowed).Distinct()];
    }

    private static void Map(WebApplication service, IReadOnlyList<ServedModel> models, ServingLimits limits, ServingMetrics metrics)
    {
        foreach (var (path, resource, type) in new[]
        {
            ("/", "index.html", "text/html; charset=utf-8"), ("/page.css", "page.css", "text/css; charset=utf-8"),
            ("/serve.css", "serve.css", "text/css; charset=utf-8"), ("/page.js", "page.js", "text/javascript; charset=utf-8"),
            ("/serve.js", "serve.js", "text/javascript; charset=utf-8"), ("/openapi.json", "openapi.json", "application/json"),
        })
            service.MapMethods(path, ReadMethods, new WebFile(resource, type).AnswerAsync);
        service.MapPost("/predict", new PredictEndpoint(models, limits, metrics).AnswerAsync);
        service.MapMethods("/models", ReadMethods, context => Replies.WriteAsync(context,
            new([.. models.Select(model => model.Description)], limits.PictureBytes, limits.PicturePixels),
            ServingJson.Default.ModelsReply));
        service.MapMethods("/healthz", ReadMethods,
            context => Replies.WriteAsync(context, new("ok", models.Count), ServingJson.Default.HealthReply));
        service.MapMethods("/metrics", ReadMethods, context => Replies.WriteAsync(context, "text/plain; version=0.0.4; charset=utf-8",
            Encoding.UTF8.GetBytes(metrics.ToPrometheus())));
    }

    // Headers for every answer, an end to every request, and problem details for all that goes wrong.
    private static async Task GuardAsync(HttpContext context, RequestDelegate next, ServingLimits limits)
    {
        foreach (var (name, value) in Headers)
            context.Response.Headers[name] = value;
        var client = context.RequestAborted;
        using var time = CancellationTokenSource.CreateLinkedTokenSource(client);
        time.CancelAfter(limits.Time);
        context.RequestAborted = time.Token;
        try
        {
            await next(context);
            if (context.Response is { StatusCode: >= 400, HasStarted: false, ContentType: null })
                await Replies.WriteProblemAsync(context, context.Response.StatusCode,
                    $"Expected a request that /openapi.json lists, found {context.Request.Method} {context.Request.Path}.");
        }
        catch (Exception) when (client.IsCancellationRequested && !context.Response.HasStarted)
        {
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest; // for the log: nobody is there to be told
        }
        catch (Exception error) when (!context.Response.HasStarted)
        {
            var (status, detail) = error switch
            {
                RequestProblem problem => (problem.Status, problem.Message),
                BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => (StatusCodes.Status413PayloadTooLarge,
                    $"Expected a request of at most {limits.RequestBytes} bytes, found more. {limits.OfBytes}"),
                BadHttpRequestException bad => (bad.StatusCode, bad.Message),
                OperationCanceledException => (StatusCodes.Status408RequestTimeout,
                    $"Expected a request that is done in {limits.Time.TotalSeconds:0} seconds, found that it takes longer."),
                _ => (StatusCodes.Status500InternalServerError, "This is a fault of the service, which its log describes."),
            };
            if (status == StatusCodes.Status500InternalServerError)
                Display.Error($"{context.Request.Method} {context.Request.Path}: {error}");
            if (status == StatusCodes.Status503ServiceUnavailable)
                context.Response.Headers.RetryAfter = "1"; // second
            context.RequestAborted = client; // the answer may be sent, though the time is over
            await Replies.WriteProblemAsync(context, status, detail);
        }
    }
}
