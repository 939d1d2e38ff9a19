using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Microsoft.ML.ResNet.AspNetCore;

/// <summary>
/// Healthy where the newest content of the model's file answers, degraded where an older one does, because the newest cannot be used.
/// </summary>
/// <param name="service">Whose health.</param>
internal sealed class ResNetHealthCheck(ResNetService service) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var model = service.Model;
        var data = new Dictionary<string, object>
        {
            ["architecture"] = model.Architecture.Name,
            ["classes"] = model.ClassNames.Count,
        };
        return Task.FromResult(service.ReloadProblem is { } problem
            ? HealthCheckResult.Degraded($"The model of before goes on answering. {problem}", data: data)
            : HealthCheckResult.Healthy($"{service.Name} answers.", data));
    }
}
