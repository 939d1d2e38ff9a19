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
    private const int MostPort = 65_535;

    private static readonly Argument<string[]> Models = new("MODEL")
    {
        Description = "The model files that 'train' or 'import' has written; the first answers requests that name none.",
        HelpName = "MODEL",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<int> Port = new("--port")
    {
        Description = "The port to listen on; 0 is any that is free.",
        HelpName = "N",
        CustomParser = argument =>
        {
            var port = Arguments.WholeNumber(least: 0)(argument);
            if (port > MostPort)
                argument.AddError($"--port is '{port}'; expected at most {MostPort}.");
            return port ?? 0;
        },
        DefaultValueFactory = _ => 5080,
    };

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

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("serve", "Serves a page to try models, and predictions for programs, until Ctrl+C.")
        {
            Models, Port, Host, AllowedHosts,
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
        var (limits, metrics) = (new ServingLimits(), new ServingMetrics());
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
