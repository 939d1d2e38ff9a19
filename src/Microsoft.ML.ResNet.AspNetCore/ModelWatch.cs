using Microsoft.Extensions.Hosting;

namespace Microsoft.ML.ResNet.AspNetCore;

/// <summary>
/// Makes the host load the model before it starts to listen, and looks at its file from then on. It looks at intervals and waits for no
/// event: volumes of containers and networks send none.
/// </summary>
/// <param name="service">The service; that it is here means that its model is loaded.</param>
internal sealed class ModelWatch(ResNetService service) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (service.Options.ReloadInterval is not { } interval)
            return;
        using var timer = new PeriodicTimer(interval);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
                service.Reload();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // the host stops
        }
    }
}
