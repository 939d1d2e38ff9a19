using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Samples.CommandLine;
using Samples.Output;
using Samples.Serving;

namespace Samples.Verbs;

/// <summary><c>resnet serve</c>: a page to try models, and <c>POST /predict</c> for programs.</summary>
internal static class Serve
{
    private static readonly ServingLimits Usual = new();

    private static readonly Argument<string[]> Models = new("MODEL")
    {
        Description = "The model files that 'train' or 'import' has written; the first answers requests that name none.",
        HelpName = "MODEL",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<int> Port = Number("--port", "N", "The port to listen on; 0 is any that is free.",
        least: 0, most: 65_535, usual: 5080);

    private static readonly Option<string> Host = new("--host")
    {
        Description = "The address to listen on: 'localhost' for this machine alone, 0.0.0.0 for everybody who can reach it.",
        HelpName = "ADDRESS",
        DefaultValueFactory = _ => "localhost",
    };

    private static readonly Option<string[]> AllowedHosts = new("--allowed-host")
    {
        Description = "One more name under which requests may ask, such as the one that a proxy passes on; may be given several times. "
            + "[default: this machine's own where it listens for this machine alone, or else any]",
        HelpName = "NAME",
    };

    private static readonly Option<int> MaxMegapixels = Number(ServingLimits.PixelsOption, "MEGAPIXELS",
        $"The most megapixels of a picture, up to {ServingLimits.MostMegapixels}; each takes 4 MB while it is decoded, and as many "
        + "pictures are decoded at a time as there are processors.",
        least: 1, most: ServingLimits.MostMegapixels, usual: (int)(Usual.PicturePixels / ServingLimits.Megapixel));

    private static readonly Option<int> MaxMebibytes = Number(ServingLimits.BytesOption, "MIB",
        $"The most MiB of a picture's file, up to {ServingLimits.MostMebibytes}.",
        least: 1, most: ServingLimits.MostMebibytes, usual: Usual.PictureBytes / ServingLimits.Mebibyte);

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("serve", "Serves a page to try models, and predictions for programs, until Ctrl+C.")
        {
            Models, Port, Host, AllowedHosts, MaxMegapixels, MaxMebibytes,
        };
        command.Validators.Add(parsed =>
        {
            if (parsed.GetValue(Host) is { Length: > 0 } host && host != "localhost" && !IPAddress.TryParse(host, out _))
                parsed.AddError($"--host is '{host}'; expected localhost or an address, such as 0.0.0.0.");
            foreach (var name in parsed.GetValue(AllowedHosts) ?? [])
                if (Uri.CheckHostName(name.StartsWith("*.", StringComparison.Ordinal) ? name[2..] : name) == UriHostNameType.Unknown)
                    parsed.AddError($"--allowed-host is '{name}'; expected a name without a port, such as photos.example.org.");
        });
        command.SetWork(Run);
        return command;
    }

    private static Option<int> Number(string name, string unit, string description, int least, int most, int usual) => new(name)
    {
        Description = description,
        HelpName = unit,
        CustomParser = argument => Arguments.WholeNumber(least, most)(argument) ?? usual,
        DefaultValueFactory = _ => usual,
    };

    private static void Start(WebApplication service, ParseResult options, CancellationToken cancellation)
    {
        try
        {
            service.StartAsync(cancellation).GetAwaiter().GetResult();
        }
        catch (SocketException exception) // a port that is in use is an IOException already
        {
            throw new IOException($"Cannot listen on {Host.Name} {options.GetValue(Host)} {Port.Name} {options.GetValue(Port)}: "
                + $"{exception.Message}. Expected an address of this machine, and a port that you may use, mostly from 1024 on.",
                exception);
        }
    }

    private static JsonObject Run(ParseResult options, Display display, CancellationToken cancellation)
    {
        var metrics = new ServingMetrics();
        var limits = Usual with
        {
            PicturePixels = options.GetValue(MaxMegapixels) * ServingLimits.Megapixel,
            PictureBytes = options.GetValue(MaxMebibytes) * ServingLimits.Mebibyte,
        };
        var models = ServedModel.LoadAll(options.GetValue(Models)!, limits);
        try
        {
            using var service = WebService.Create(models, options.GetValue(Host)!, options.GetValue(Port), limits, metrics,
                options.GetValue(AllowedHosts) ?? []);
            Start(service, options, cancellation);
            var address = service.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
            foreach (var model in models)
                display.Line($"Model:  {model.Name} ({model.Service.Path})");
            display.Line($"Serves: {address}  (Ctrl+C ends it)");
            service.WaitForShutdownAsync(cancellation).GetAwaiter().GetResult();
            display.Line($"Served: {metrics.Images} pictures; {metrics.Unreadable} could not be read.");
            return new JsonObject
            {
                ["address"] = address,
                ["models"] = new JsonArray([.. models.Select(model => (JsonNode)model.Name)]),
                ["requests"] = metrics.Requests,
                ["images"] = metrics.Images,
                ["unreadable"] = metrics.Unreadable,
            };
        }
        finally
        {
            foreach (var model in models)
                model.Dispose();
        }
    }
}
