using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.ML.ResNet.AspNetCore;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers trained models.</summary>
public static class ResNetServiceCollectionExtensions
{
    private const string DefaultName = "resnet";

    /// <summary>
    /// Registers a <see cref="ResNetService"/> for the model of a file: loaded and warm before the host listens, loaded anew when the file
    /// changes, with the health check <c>resnet</c> and the meter and traces of <see cref="ResNetInstrumentation"/>.
    /// </summary>
    /// <param name="services">Where to.</param>
    /// <param name="path">The file that <c>mlContext.Model.Save</c> or <c>SaveResNet</c> has written.</param>
    /// <param name="configure">Changes how it is served; <see langword="null"/> for the defaults.</param>
    /// <returns>The same services.</returns>
    /// <exception cref="ArgumentException">The path is empty, or an option out of its range.</exception>
    public static IServiceCollection AddResNet(this IServiceCollection services, string path,
        Action<ResNetServiceOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = Checked(path, configure);
        services.AddSingleton(provider => Create(provider, DefaultName, path, options));
        return Watch(services, DefaultName, provider => provider.GetRequiredService<ResNetService>());
    }

    /// <summary>
    /// Registers one model of several, as the keyed service of its name (<c>[FromKeyedServices("cats")] ResNetService cats</c>), with a
    /// health check of that name; otherwise as
    /// <see cref="AddResNet(IServiceCollection, string, Action{ResNetServiceOptions}?)"/> does.
    /// </summary>
    /// <param name="services">Where to.</param>
    /// <param name="name">The name, by which metrics, traces and logs call it too.</param>
    /// <param name="path">The file that <c>mlContext.Model.Save</c> or <c>SaveResNet</c> has written.</param>
    /// <param name="configure">Changes how it is served; <see langword="null"/> for the defaults.</param>
    /// <returns>The same services.</returns>
    /// <exception cref="ArgumentException">The name or path is empty, or an option out of its range.</exception>
    public static IServiceCollection AddKeyedResNet(this IServiceCollection services, string name, string path,
        Action<ResNetServiceOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(name);
        var options = Checked(path, configure);
        services.AddKeyedSingleton(name, (provider, _) => Create(provider, name, path, options));
        return Watch(services, name, provider => provider.GetRequiredKeyedService<ResNetService>(name));
    }

    /// <summary>
    /// Registers a service that is there already, as the keyed service of its name. It stays the caller's to dispose, after the host.
    /// </summary>
    /// <param name="services">Where to.</param>
    /// <param name="service">The service.</param>
    /// <returns>The same services.</returns>
    public static IServiceCollection AddResNet(this IServiceCollection services, ResNetService service)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(service);
        services.AddKeyedSingleton(service.Name, service);
        return Watch(services, service.Name, _ => service);
    }

    private static ResNetServiceOptions Checked(string path, Action<ResNetServiceOptions>? configure)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var options = new ResNetServiceOptions();
        configure?.Invoke(options);
        options.Check();
        return options;
    }

    private static ResNetService Create(IServiceProvider provider, string name, string path, ResNetServiceOptions options)
        => new(name, path, options, provider.GetService<ILogger<ResNetService>>(), provider.GetService<IMeterFactory>());

    private static IServiceCollection Watch(IServiceCollection services, string name, Func<IServiceProvider, ResNetService> find)
    {
        services.AddSingleton<IHostedService>(provider => new ModelWatch(find(provider)));
        services.AddHealthChecks().Add(new HealthCheckRegistration(name, provider => new ResNetHealthCheck(find(provider)),
            failureStatus: null, tags: null));
        return services;
    }
}
